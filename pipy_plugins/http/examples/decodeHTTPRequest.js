pipy()
  .listen(8000)
  .decodeHTTPRequest()
  .replaceMessage(request => new Data(`${request.head.method} ${request.head.path} ${request.body.size}\n`))
