const greeting = '05010' + '2' + '01036a6f6506736563726574' // user and password: joe, secret
const accepted = '0502' + '0100'

test('connects the client', async t => {
  t.tcp('10.1.2.3:7', bytes => `echo of ${bytes}`)
  const client = t.port(1080).open()
  await client.send(new Data(greeting + '050100010a0102030007', 'hex'))
  t.equal(client.received.toString('hex'), accepted + '05000001000000000000')
  await client.send('hello')
  t.match(client.received.toString('hex'), new Data('echo of hello').toString('hex'))
})

test('does not connect to this machine', async t => {
  const client = t.port(1080).open()
  await client.send(new Data(greeting + '050100017f0000010007', 'hex'))
  t.equal(client.received.toString('hex'), accepted + '05020001000000000000')
  t.equal(client.closed, true)
})

test('lets nobody else in', async t => {
  const client = t.port(1080).open()
  await client.send(new Data('050102' + '01036a6f65056775657373', 'hex'))
  t.equal(client.received.toString('hex'), '0502' + '0101')
  t.equal(client.closed, true)
})
