test('runs a pipeline for each request of a connection', async t => {
  const client = t.port(8000).open()
  const first = await client.request({ path: '/1' })
  const second = await client.request({ method: 'DELETE', path: '/2' })
  t.equal([first.body.toString(), second.body.toString()], ['/1', '/2'])
  t.equal(second.head.headers['x-method'], 'DELETE')
})
