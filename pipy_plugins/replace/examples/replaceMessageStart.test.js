test('makes a new head', async t => {
  const stream = t.pipeline('anonymous')
  await stream.send(new Message({ method: 'GET', path: '/', headers: { host: 'localhost', cookie: 'who=me' } }, 'body'))
  t.equal(stream.messages[0], new Message({ method: 'GET', path: '/', headers: { host: 'example.com' } }, 'body'))
})
