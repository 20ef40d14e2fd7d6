test('holds a request until another server has agreed', async t => {
  t.upstream('localhost:8080', 'yes', { delay: 3 })
  const answered = t.port(8000).request()
  await t.advance(3)
  t.equal((await answered).body.toString(), 'come in')
})
