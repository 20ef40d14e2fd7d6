test('ends a stream', async t => {
  t.file('example.js', `
    pipy()
      .pipeline('first-only')
      .replaceData(data => [data, new StreamEnd])
  `)
  const stream = t.pipeline('first-only')
  await stream.send('one')
  t.equal(stream.output.length, 2)
  t.ok(stream.output[1] instanceof StreamEnd)
  t.equal(stream.output[1].error, '')
})
