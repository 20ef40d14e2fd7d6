pipy()

  .listen(8080)
  .serveHTTP(new Message('Hi, there!\n'))

  .listen(8081)
  .serveHTTP(request => new Message(request.body))

  .listen(8082)
  .serveHTTP(
    request => new Message(`You are requesting ${request.head.path} from ${__inbound.remoteAddress}\n`)
  )
