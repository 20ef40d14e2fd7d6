test('is a TCP proxy', async t => {
  t.tcp('db.internal:5432', bytes => 'you said ' + bytes)
  const client = t.port(8000).open()
  await client.send('hello')
  t.equal(client.received.toString(), 'you said hello')
})

test('tries again, and gives up', async t => {
  const server = t.tcp('db.internal:5432', { refuse: true })
  const client = t.port(8000).open()
  await client.send('hello')
  t.equal(client.closed, false)
  await t.advance(2)
  t.equal(client.error, 'ConnectionRefused')
})
