test('goes through the proxy', async t => {
  const proxy = t.tcp('127.0.0.1:3128', bytes =>
    bytes.toString().startsWith('CONNECT') ? 'HTTP/1.1 200 Connected\r\n\r\n' : 'SSH-2.0-far\r\n'
  )
  const client = t.port(2222).open()
  await client.send('SSH-2.0-near\r\n')
  t.equal(client.received.toString(), 'SSH-2.0-far\r\n')
  t.match(proxy.received.toString(), 'CONNECT far.away:22 HTTP/1.1\r\nhost: far.away:22\r\nproxy-authorization: Basic ')
})

test('ends when the proxy refuses', async t => {
  t.tcp('127.0.0.1:3128', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\npage')
  const client = t.port(2222).open()
  await client.send('SSH-2.0-near\r\n')
  t.equal(client.received.size, 0)
  t.equal(client.error, 'Unauthorized')
})
