pipy()
  .listen(8000)
  .handleStreamEnd(end => console.log(`client ${__inbound.remoteAddress} has left`, end.error))
  .serveHTTP(new Message('hello'))
