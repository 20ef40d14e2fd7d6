test('changes the head before it goes on', async t => {
  const upstream = t.upstream('localhost:8080', 'hello')
  await t.port(8000).request({ path: '/users' })
  t.equal(upstream.requests[0].head.path, '/v2/users')
  t.equal(upstream.requests[0].head.headers['x-original-path'], '/users')
})
