test('sends the messages of several streams over one session', async t => {
  const server = t.upstream('localhost:8080', request => request.head.path)
  const first = await t.pipeline('ask').request({ path: '/1' })
  const second = await t.pipeline('ask').request({ path: '/2' })
  t.equal([first.body.toString(), second.body.toString()], ['/1', '/2'])
  t.equal(server.connections, 1)
})
