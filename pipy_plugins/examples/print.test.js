test('shows what passes as text, and passes it on', async t => {
  const response = await t.port(8000).request({ path: '/tea' })
  t.equal(response.body.toString(), 'hello')
  t.logged('GET /tea HTTP/1.1')
})
