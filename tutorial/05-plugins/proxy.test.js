test('routes /hi to the first service', async t => {
  const service = t.upstream('localhost:8080', 'Hi, there!')
  const response = await t.port(8000).request({ path: '/hi' })
  t.equal(response.head.status, 200)
  t.equal(response.body.toString(), 'Hi, there!')
  t.equal(service.requests.length, 1)
})

test('passes the body on to /echo', async t => {
  t.upstream('localhost:8081', request => request.body)
  const response = await t.port(8000).request({ method: 'POST', path: '/echo' }, 'Anybody home?')
  t.equal(response.body.toString(), 'Anybody home?')
})

test('says 404 to everything else', async t => {
  const response = await t.port(8000).request({ path: '/nowhere' })
  t.equal(response.head.status, 404)
  t.equal(response.body.toString(), 'No handler found')
})

test('the router leaves alone what it does not know', async t => {
  const stream = t.pipeline('request', {}, { module: 'plugins/router.js' })
  await stream.send(new Message({ path: '/nowhere', headers: { host: 'localhost' } }))
  t.equal(stream.variable('__turnDown'), false)
  t.equal(stream.messages.length, 1)
  t.equal(stream.messages[0].head.path, '/nowhere')
})
