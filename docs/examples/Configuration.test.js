test('a main script and a module share a variable', async t => {
  t.file('example.js', `
    pipy({ _count: 0 })
      .export('main', { __greeting: 'hello' })
      .listen(8000)
      .demuxHTTP('request')
      .pipeline('request')
      .use('greet.js', 'answer')
  `)
  t.file('greet.js', `
    pipy()
      .import({ __greeting: 'main' })
      .pipeline('answer')
      .replaceMessage(() => new Message(__greeting))
  `)
  t.equal((await t.port(8000).request()).body.toString(), 'hello')
})
