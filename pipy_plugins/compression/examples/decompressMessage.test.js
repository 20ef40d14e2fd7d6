test('a head of your own says what is compressed', async t => {
  const hello = new Data('789ccb48cdc9c90700062c0215', 'hex')
  const request = { method: 'POST', headers: { 'x-packed': 'deflate' } }
  t.equal((await t.port(8000).request(request, hello)).body.toString(), 'You sent hello')
  t.equal((await t.port(8000).request({ method: 'POST' }, 'hello')).body.toString(), 'You sent hello')
})
