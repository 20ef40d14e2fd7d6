test('runs modules in a row until one has answered', async t => {
  t.file('greet.js', `
    pipy()
      .import({ __answered: 'main' })
      .pipeline('request')
      .handleMessageStart(message => __answered = message.head.path === '/hi')
      .link('greet', () => __answered, '')
      .pipeline('greet')
      .replaceMessage(new Message('Hi!'))
  `)
  t.file('default.js', `
    pipy()
      .pipeline('request')
      .replaceMessage(new Message({ status: 404 }, 'nothing here'))
  `)
  t.equal((await t.port(8000).request({ path: '/hi' })).body.toString(), 'Hi!')
  t.equal((await t.port(8000).request({ path: '/' })).head.status, 404)
})
