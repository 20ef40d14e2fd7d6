(config =>

pipy()

  .export('proxy', {
    __turnDown: false,
    __isTLS: false,
  })

  .listen(config.port)
  .link('connection')

  .listen(config.portTLS)
  .handleStreamStart(
    () => __isTLS = true
  )
  .acceptTLS('connection', {
    certificate: {
      cert: new crypto.CertificateChain(pipy.load('secret/server-cert.pem')),
      key: new crypto.PrivateKey(pipy.load('secret/server-key.pem')),
    },
    alpn: ['h2', 'http/1.1'],
  })

  .pipeline('connection')
  .use(config.plugins, 'session')
  .demuxHTTP('limited')

  .pipeline('limited')
  .limitRate('request', () => __inbound.remoteAddress, config.limit)

  .pipeline('request')
  .use(config.plugins, 'request', 'response', () => __turnDown)

)(JSON.decode(pipy.load('config/proxy.json')))
