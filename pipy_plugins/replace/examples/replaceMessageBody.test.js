test('changes the body and keeps the head', async t => {
  const stream = t.pipeline('wrap')
  await stream.send(new Message({ path: '/' }, 'hello'))
  t.equal(stream.messages[0], new Message({ path: '/' }, '{"text":"hello"}'))
})
