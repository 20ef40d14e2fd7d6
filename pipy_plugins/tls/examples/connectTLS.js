pipy()
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .muxHTTP('secure', '')
  .pipeline('secure')
  .connectTLS('plain', {
    sni: 'a.example',
    trusted: [new crypto.Certificate(pipy.load('ca.pem'))],
    checkHost: true,
  })
  .pipeline('plain')
  .connect('a.example:443')

  // a server, for the test
  .listen(443)
  .acceptTLS('inside', {
    certificate: {
      cert: new crypto.Certificate(pipy.load('cert.pem')),
      key: new crypto.PrivateKey(pipy.load('key.pem')),
    },
  })
  .pipeline('inside')
  .serveHTTP(request => new Message('You want ' + request.head.path))
