test('is the path of the script that a function stands in', async t => {
  t.file('example.js', `
    pipy()
      .listen(8000)
      .serveHTTP(() => new Message(__filename))
  `)
  t.equal((await t.port(8000).request()).body.toString(), '/example.js')
})
