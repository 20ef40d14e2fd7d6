test('answers', async t => {
  const response = await t.port(8000).request({ path: '/tea' })
  t.equal(response.body.toString(), 'You want /tea')
  t.equal((await t.port(8000).request({ method: 'POST' })).head.status, 405)
})
