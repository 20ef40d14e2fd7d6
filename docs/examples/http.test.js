test('a file as a response', async t => {
  t.file('www/index.html', '<h1>Hello</h1>')
  t.file('example.js', `
    pipy()
      .listen(8000)
      .serveHTTP(
        request => http.File.from('www' + request.head.path)?.toMessage(request.head) || new Message({ status: 404 })
      )
  `)
  const response = await t.port(8000).request({ path: '/index.html' })
  t.equal(response.head.headers['content-type'], 'text/html')
  t.equal(response.body.toString(), '<h1>Hello</h1>')
  t.equal((await t.port(8000).request({ path: '/nothing' })).head.status, 404)
})
