test('makes one message of three', async t => {
  const stream = t.pipeline('batch')
  await stream.send(new Message('a'), new Message('b'))
  t.equal(stream.messages.length, 0)
  await stream.send(new Message('c'))
  t.equal(stream.messages[0].body.toString(), 'abc')
})

test('does not wait longer than five seconds', async t => {
  const stream = t.pipeline('batch')
  await stream.send(new Message('a'))
  await t.advance(6)
  t.equal(stream.messages[0].body.toString(), 'a')
})
