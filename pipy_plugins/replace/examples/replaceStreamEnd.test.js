test('says good-bye', async t => {
  const stream = t.pipeline('polite')
  await stream.send('hello\n')
  await stream.end()
  t.equal(stream.output.map(String).join(''), 'hello\nbye\n' + String(stream.output.at(-1)))
  t.equal(stream.closed, true)
})
