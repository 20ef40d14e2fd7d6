test('clients get what they accept', async t => {
  const packed = await t.port(8000).request({ headers: { 'accept-encoding': 'gzip' } })
  t.equal(packed.head.headers['content-encoding'], 'gzip')
  t.ok(packed.body.size < 200)
  const plain = await t.port(8000).request()
  t.equal(plain.head.headers['content-encoding'], undefined)
  t.equal(plain.body.size, 6000)
})
