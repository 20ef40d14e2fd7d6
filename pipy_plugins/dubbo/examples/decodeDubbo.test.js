test('passes frames on, and logs whom they are for', async t => {
  const service = t.tcp('service:20880')
  const body = Hessian.encode(['2.0.2', 'com.example.Greeter'])
  const frame = new Data('dabbc200000000000000002a000000', 'hex').push(new Data([body.size])).push(body)
  const client = t.port(20880).open()
  await client.send(frame)
  t.equal(service.received.toString('hex'), frame.toString('hex'))
})
