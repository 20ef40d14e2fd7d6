test('loads files of the program', async t => {
  t.file('config.json', { greeting: 'hello' })
  t.file('example.js', `
    (config => pipy()
      .listen(8000)
      .serveHTTP(new Message(config.greeting))
    )(JSON.decode(pipy.load('config.json')))
  `)
  t.equal((await t.port(8000).request()).body.toString(), 'hello')
})

test('ends the program', async t => {
  t.file('example.js', `
    pipy()
      .listen(8000)
      .serveHTTP(request => (request.head.path === '/stop' && pipy.exit(3), new Message('bye')))
  `)
  await t.port(8000).request({ path: '/stop' })
  t.equal(t.exitCode, 3)
})
