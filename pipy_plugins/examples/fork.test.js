test('sends a copy of each request to a second server', async t => {
  const live = t.upstream('localhost:8080', 'from the live server')
  const mirror = t.upstream('localhost:8081', 'nobody sees this')
  const response = await t.port(8000).request({ path: '/a' })
  t.equal(response.body.toString(), 'from the live server')
  t.equal(mirror.requests.map(request => request.head.path), ['/a'])
})
