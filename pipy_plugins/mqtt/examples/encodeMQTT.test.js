test('answers in the version of the client', async t => {
  const client = t.port(1883).open()
  await client.send(new Data('100d00044d51545405020000000000', 'hex')) // CONNECT of MQTT 5.0
  await client.send(new Data('c000', 'hex')) // PINGREQ
  await client.send(new Data('3206000174000700', 'hex')) // PUBLISH with QoS 1
  t.equal(client.received.toString('hex'), '2003000000' + 'd000' + '40020007')
})
