pipy()
  .listen(8000)
  .replaceStreamStart(first => [new Data(`PROXY TCP4 ${__inbound.remoteAddress} 0.0.0.0 ${__inbound.remotePort} 0\r\n`), first])
  .connect('localhost:9000')
