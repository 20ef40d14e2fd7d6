test('a client publishes below its own name', async t => {
  const connect = '100f00044d5154540402003c0003646576' // MQTT 3.1.1, client 'dev'
  const broker = t.tcp('broker:1883', bytes => new Data(bytes.size === 17 ? '20020000' : '', 'hex'))
  const client = t.port(1883).open()
  await client.send(new Data(connect, 'hex'))
  t.equal(client.received.toString('hex'), '20020000')
  await client.send(new Data('3003000174', 'hex')) // PUBLISH to 't'
  const topic = new Data('clients/dev/t')
  t.equal(broker.received.toString('hex'), connect + '300f000d' + topic.toString('hex'))
})
