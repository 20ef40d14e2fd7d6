test('what is compressed can be decompressed', async t => {
  t.equal((await t.port(8000).request({ method: 'POST' }, 'hello')).body.toString(), 'You sent hello')
})
