test('events can be told apart', async t => {
  t.file('example.js', `
    pipy()
      .pipeline('p')
      .replaceStreamStart(event => new Data(event instanceof MessageStart ? 'a message begins' : 'bytes'))
  `)
  const stream = t.pipeline('p')
  await stream.send(new MessageStart)
  t.equal(stream.output[0].toString(), 'a message begins')
})
