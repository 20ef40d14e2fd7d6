test('counts what passes', async t => {
  const server = t.tcp('localhost:9000')
  const client = t.port(8000).open()
  await client.send('12345')
  await client.send('678')
  t.equal(client.variable('_bytes'), 8)
  t.equal(server.received, new Data('12345678'))
})
