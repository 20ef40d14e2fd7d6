test('splits at line ends', async t => {
  const stream = t.pipeline('lines')
  await stream.send('one\ntwo\n')
  t.equal(stream.output.map(event => event instanceof Data ? event.toString() : 'end'), ['one\n', 'end', 'two\n', 'end'])
})
