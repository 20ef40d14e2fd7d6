pipy()
  .listen(8443)
  .acceptTLS('inside', {
    certificate: {
      cert: new crypto.CertificateChain(pipy.load('cert.pem')),
      key: new crypto.PrivateKey(pipy.load('key.pem')),
    },
    alpn: ['h2', 'http/1.1'],
  })
  .pipeline('inside')
  .serveHTTP(new Message('nobody else can read this'))

  // a client, to see what it looks like from outside
  .listen(8000)
  .connectTLS('to-8443', { alpn: ['http/1.1'] })
  .pipeline('to-8443')
  .connect('localhost:8443')
