test('leaves out who has answered badly three times in a row', async t => {
  const bad = t.upstream('localhost:8081', new Message({ status: 500 }, 'out of order'))
  const good = t.upstream('localhost:8082', 'fine')
  for (let i = 0; i < 10; i++) await t.port(8000).request()
  t.equal(bad.requests.length, 3)
  t.equal(good.requests.length, 7)
  await t.advance(31)
  for (let i = 0; i < 2; i++) await t.port(8000).request()
  t.equal(bad.requests.length, 4)
})

test('does not wait for ever', async t => {
  t.upstream('localhost:8081')
  const answered = t.port(8000).request()
  await t.advance(2)
  t.equal((await answered).head.status, 504)
})
