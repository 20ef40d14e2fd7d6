test('sees the whole message, at most 16 KB of its body, while it passes', async t => {
  const upstream = t.upstream('localhost:8080', 'thanks')
  await t.port(8000).request({ method: 'POST', path: '/letter' }, 'x'.repeat(20000))
  t.logged('POST /letter 16384')
  t.logged('3616 bytes were discarded')
  t.equal(upstream.requests[0].body.size, 20000)
})
