pipy()
  .listen(8000)
  .serveHTTP(
    request => request.head.method === 'GET'
      ? new Message({ headers: { 'content-type': 'text/plain' } }, `You want ${request.head.path}`)
      : new Message({ status: 405, headers: { allow: 'GET' } })
  )
