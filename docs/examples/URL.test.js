test('the parts of an address', t => {
  const url = new URL('https://ann:secret@example.com:8443/a/b?c=1#d')
  t.equal([url.protocol, url.hostname, url.port, url.pathname], ['https:', 'example.com', '8443', '/a/b'])
  t.equal([url.username, url.query, url.hash], ['ann', 'c=1', '#d'])
  t.equal(url.searchParams.get('c'), '1')
})

test('the path of a request', t => {
  t.equal(new URL('/search?q=tea').pathname, '/search')
})
