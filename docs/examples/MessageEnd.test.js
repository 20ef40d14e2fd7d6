test('ends a message', async t => {
  t.file('example.js', `
    pipy()
      .pipeline('lines')
      .replaceData(data => data.toString().split(' ').map(word => [new MessageStart, new Data(word), new MessageEnd]).flat())
  `)
  const stream = t.pipeline('lines')
  await stream.send('one two')
  t.equal(stream.messages.map(message => message.body.toString()), ['one', 'two'])
})
