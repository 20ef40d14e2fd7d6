test('makes bytes of a response, and ends the connection behind it', async t => {
  const client = t.port(8000).open()
  await client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  t.equal(
    client.received.toString(),
    "HTTP/1.1 418 I'm a teapot\r\ncontent-length: 15\r\nconnection: close\r\n\r\nshort and stout"
  )
  t.equal(client.closed, true)
})
