test('makes messages of bytes', async t => {
  const client = t.port(8000).open()
  await client.send('POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc')
  t.equal(client.received.toString(), 'POST /a 3\n')
})
