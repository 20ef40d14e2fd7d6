test('tells the size of all requests of a connection when it ends', async t => {
  const client = t.port(8000).open()
  await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  t.equal(t.log.length, 0)
  await client.end()
  t.logged('27 bytes in')
})
