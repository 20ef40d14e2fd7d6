test('lets two requests of a client pass each second', async t => {
  const answered = []
  const client = t.port(8000).open()
  for (let i = 0; i < 4; i++) client.request().then(response => answered.push(response))
  await t.advance(1)
  t.equal(answered.length, 2)
  await t.advance(1)
  t.equal(answered.length, 4)
})
