test('begins a message', async t => {
  t.file('example.js', `
    pipy()
      .pipeline('p')
      .replaceData(data => [new MessageStart({ path: '/' }), data, new MessageEnd])
  `)
  const stream = t.pipeline('p')
  await stream.send('body')
  t.equal(stream.output[0].head, { path: '/' })
  t.equal(stream.messages[0], new Message({ path: '/' }, 'body'))
})
