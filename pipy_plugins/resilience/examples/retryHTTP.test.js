test('tries another server when the first one is not there', async t => {
  t.upstream('localhost:8081', { refuse: true })
  const second = t.upstream('localhost:8082', 'from the second')
  const answered = t.port(8000).request({ method: 'POST' }, 'a letter')
  await t.advance(1)
  t.equal((await answered).body.toString(), 'from the second')
  t.equal(second.requests[0].body.toString(), 'a letter')
})

test('does not do twice what may be done once only', async t => {
  const first = t.upstream('localhost:8081', new Message({ status: 503 }, 'too much to do'))
  const second = t.upstream('localhost:8082', 'from the second')
  const posted = t.port(8000).request({ method: 'POST' }, 'a letter')
  await t.advance(1)
  t.equal((await posted).head.status, 503)
  t.equal(first.requests.length + second.requests.length, 1)
})
