test('bodies are plain from here on', async t => {
  const hello = new Data('1f8b0800000000000203cb48cdc9c9070086a6103605000000', 'hex')
  const request = { method: 'POST', headers: { 'content-encoding': 'gzip' } }
  t.equal((await t.port(8000).request(request, hello)).body.toString(), 'You sent hello')
  t.equal((await t.port(8000).request({ method: 'POST' }, 'hello')).body.toString(), 'You sent hello')
})
