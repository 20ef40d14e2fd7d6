test('notices that a client leaves', async t => {
  const client = t.port(8000).open({ remoteAddress: '10.0.0.1' })
  await client.request()
  await client.end()
  t.logged('client 10.0.0.1 has left')
})
