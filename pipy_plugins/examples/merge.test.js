test('sends a copy of every message to one place', async t => {
  const collector = t.tcp('localhost:9000')
  for (const path of ['/a', '/b']) {
    const stream = t.pipeline('count')
    await stream.send(new Message({ path }, 'body'))
    t.equal(stream.messages, [new Message({ path }, 'body')])
  }
  t.equal(collector.received.toString(), '/a\n/b\n')
  t.equal(collector.connections, 1)
})
