test('gives every message a pipeline of its own', async t => {
  const stream = t.pipeline('each')
  await stream.send(new Message('a'), new Message('b'))
  t.equal(stream.messages.map(message => message.body.toString()), ['A', 'B'])
})
