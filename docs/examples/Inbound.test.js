test('the addresses of a connection', async t => {
  t.file('example.js', `
    pipy()
      .listen(8000)
      .serveHTTP(() => new Message(__inbound.remoteAddress + ' to port ' + __inbound.localPort))
  `)
  const client = t.port(8000).open({ remoteAddress: '10.0.0.1' })
  t.equal((await client.request()).body.toString(), '10.0.0.1 to port 8000')
})
