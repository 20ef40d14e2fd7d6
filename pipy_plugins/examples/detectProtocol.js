pipy({ _protocol: undefined })
  .listen(8000)
  .detectProtocol(name => _protocol = name, { protocols: ['TLS', 'HTTP'], timeout: 5 })
  .link(
    'tls', () => _protocol === 'TLS',
    'http', () => _protocol === 'HTTP',
    'other', () => _protocol === ''
  )
  .pipeline('tls')
  .connect('localhost:443')
  .pipeline('http')
  .connect('localhost:80')
  .pipeline('other')
  .connect('localhost:22')
