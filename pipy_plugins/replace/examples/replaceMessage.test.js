test('answers a request with a message', async t => {
  const response = await t.port(8000).request({ method: 'POST' }, 'hello')
  t.equal(response.head.headers['content-type'], 'text/plain')
  t.equal(response.body.toString(), 'HELLO')
})
