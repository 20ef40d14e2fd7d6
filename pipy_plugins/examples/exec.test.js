test('the program gets the stream, and its output is the answer', async t => {
  t.exec('sort', input => input.toString().split('\n').sort().join('\n'))
  const client = t.port(8000).open()
  await client.send('b\na')
  await client.end()
  t.equal(client.received.toString(), 'a\nb')
  t.equal(client.closed, true)
})
