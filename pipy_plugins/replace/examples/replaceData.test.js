test('makes other bytes of bytes', async t => {
  const stream = t.pipeline('shout')
  await stream.send('hello', ' there')
  t.equal(stream.output.map(data => data.toString()).join(''), 'HELLO THERE')
})
