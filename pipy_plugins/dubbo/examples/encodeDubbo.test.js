test('answers every request', async t => {
  const client = t.port(20880).open()
  await client.send(new Data('dabbc200000000000000002a00000000', 'hex'))
  const answer = client.received
  t.equal(answer.shift(16).toString('hex'), 'dabb0214000000000000002a00000010')
  t.equal(Hessian.decode(answer)[1], 'Hi, there!')
})
