test('shares a connection among requests with the same key', async t => {
  const pages = t.upstream('localhost:8080', 'page')
  const api = t.upstream('localhost:8081', '{}')
  for (const path of ['/', '/api/a', '/about', '/api/b']) await t.port(8000).request({ path })
  t.equal(pages.requests.map(request => request.head.path), ['/', '/about'])
  t.equal(api.requests.map(request => request.head.path), ['/api/a', '/api/b'])
  t.equal([pages.connections, api.connections], [1, 1])
})

test('answers with 502 where there is no server', async t => {
  t.upstream('localhost:8080', { refuse: true })
  t.equal((await t.port(8000).request()).head.status, 502)
})
