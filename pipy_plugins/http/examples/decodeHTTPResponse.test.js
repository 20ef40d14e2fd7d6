test('makes messages of what a server answers', async t => {
  t.tcp('localhost:8080', () => 'HTTP/1.1 204 No Content\r\n\r\n')
  const stream = t.pipeline('check')
  await stream.send(new Message)
  t.equal(stream.variable('_status'), 204)
})
