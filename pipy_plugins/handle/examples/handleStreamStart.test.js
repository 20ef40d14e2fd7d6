test('remembers when the first bytes came', async t => {
  const client = t.port(8000).open()
  await client.request()
  await t.advance(5)
  t.equal((await client.request()).body.toString(), 'connected for 5 s')
})
