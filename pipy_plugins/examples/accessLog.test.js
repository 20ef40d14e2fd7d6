test('logs a line for each request', async t => {
  await t.port(8000).request({ path: '/a?token=secret' })
  t.logged(/^127\.0\.0\.1 "GET \/a\?token=\*\*\* HTTP\/1\.1" 200 5$/)
})
