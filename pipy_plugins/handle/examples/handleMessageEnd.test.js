test('tells how long a message took', async t => {
  const stream = t.pipeline('timed')
  await stream.send(new MessageStart({}))
  await t.advance(3)
  await stream.send(new MessageEnd)
  t.equal(stream.variable('_seconds'), 3)
})
