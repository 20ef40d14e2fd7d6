test('asks the proxy, then the server behind it', async t => {
  const answers = ['0502', '0100', '05000001000000000000']
  const proxy = t.tcp('127.0.0.1:1080', () =>
    answers.length ? new Data(answers.shift(), 'hex') : 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndark'
  )
  const response = await t.port(8000).request()
  t.equal(response.body.toString(), 'dark')
  t.match(proxy.received.toString('hex'), new Data('in.the.dark').toString('hex'))
})

test('says 502 when the proxy does not know the password', async t => {
  const answers = ['0502', '0101']
  t.tcp('127.0.0.1:1080', () => new Data(answers.shift(), 'hex'))
  const response = await t.port(8000).request()
  t.equal(response.head.status, 502)
})
