test('lets 1 KB pass each second', async t => {
  const server = t.tcp('localhost:9000')
  await t.port(8000).open().send('x'.repeat(3000))
  const seen = []
  for (let second = 0; second < 4; second++) {
    seen.push(server.received.size)
    await t.advance(1)
  }
  t.equal(seen, [0, 1024, 2048, 3000])
})
