test('tells by the first bytes', async t => {
  const secure = t.tcp('localhost:443')
  const clientHello = new Data('160301020001', 'hex').push(new Data('0001fc0303', 'hex'))
  await t.port(8000).open().send(clientHello)
  t.equal(secure.received, clientHello)

  const web = t.tcp('localhost:80')
  await t.port(8000).open().send('GET / HTTP/1.1\r\n')
  t.equal(web.received.toString(), 'GET / HTTP/1.1\r\n')

  const shell = t.tcp('localhost:22')
  await t.port(8000).open().send('SSH-2.0-OpenSSH_9.9\r\n')
  t.equal(shell.received.toString(), 'SSH-2.0-OpenSSH_9.9\r\n')
})

test('does not wait for ever for clients that say nothing clear', async t => {
  const shell = t.tcp('localhost:22')
  await t.port(8000).open().send('G')
  t.equal(shell.connections, 0)
  await t.advance(5)
  t.equal(shell.received.toString(), 'G')
})
