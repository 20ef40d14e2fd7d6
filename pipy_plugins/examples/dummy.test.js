test('swallows everything', async t => {
  const client = t.port(9).open()
  await client.send('is anybody there?')
  t.equal(client.received.size, 0)
})
