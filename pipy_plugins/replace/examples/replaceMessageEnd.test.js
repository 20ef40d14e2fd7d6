test('adds to the end of a message', async t => {
  const stream = t.pipeline('sign')
  await stream.send(new Message('Dear Ann,'))
  t.equal(stream.messages[0].body.toString(), 'Dear Ann,\n-- \nsent through a proxy')
})
