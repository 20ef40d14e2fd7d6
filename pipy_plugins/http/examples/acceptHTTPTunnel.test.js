test('opens a tunnel', async t => {
  t.tcp('example.com:443', bytes => `echo of ${bytes}`)
  const client = t.port(8000).open()
  await client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n')
  await client.send('hello')
  t.match(client.received.toString(), /^HTTP\/1.1 200 OK\r\n.*\r\n\r\necho of hello$/s)
})

test('opens none to other ports', async t => {
  const response = await t.port(8000).request({ method: 'CONNECT', path: 'example.com:25', headers: { host: 'example.com:25' } })
  t.equal(response.head.status, 403)
})
