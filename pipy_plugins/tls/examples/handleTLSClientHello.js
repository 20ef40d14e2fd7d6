pipy({ _host: '' })
  .listen(8443)
  .handleTLSClientHello(hello => _host = hello.serverNames?.[0])
  .link(
    'a', () => _host === 'a.example',
    'others', () => _host !== ''
  )
  .pipeline('a')
  .connect('10.0.0.1:443')
  .pipeline('others')
  .connect('10.0.0.2:443')
