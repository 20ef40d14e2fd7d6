test('makes bytes of a message', async t => {
  const server = t.upstream('localhost:8080', 'thanks')
  await t.task().run()
  t.equal(server.requests[0].head.path, '/alive')
  t.equal(server.requests[0].body.toString(), 'yes')
})
