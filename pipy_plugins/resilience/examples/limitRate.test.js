test('lets three requests of a client pass at once, and then two a second', async t => {
  const statuses = async (count, remoteAddress) => {
    const client = t.port(8000).open({ remoteAddress })
    const seen = []
    for (let i = 0; i < count; i++) seen.push((await client.request()).head.status)
    return seen
  }
  t.equal(await statuses(4, '10.0.0.1'), [200, 200, 200, 429])
  t.equal(await statuses(1, '10.0.0.2'), [200])
  await t.advance(1)
  t.equal(await statuses(3, '10.0.0.1'), [200, 200, 429])
})
