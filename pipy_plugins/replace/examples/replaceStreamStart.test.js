test('puts a line in front of everything', async t => {
  const server = t.tcp('localhost:9000')
  await t.port(8000).open({ remoteAddress: '10.0.0.1', remotePort: 4711 }).send('hello')
  t.equal(server.received.toString(), 'PROXY TCP4 10.0.0.1 0.0.0.0 4711 0\r\nhello')
})
