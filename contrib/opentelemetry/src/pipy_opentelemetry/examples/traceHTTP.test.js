const TRACE = '0af7651916cd43dd8448eb211c80319c'

test('passes a trace on, with a span of its own', async t => {
  const upstream = t.upstream('localhost:8080', () => new Message('hi'))
  const headers = { host: 'a', traceparent: `00-${TRACE}-b7ad6b7169203331-01`, tracestate: 'vendor=1' }
  await t.port(8000).request({ path: '/', headers })
  const [, trace, span, flags] = upstream.requests[0].head.headers.traceparent.split('-')
  t.equal(trace, TRACE)
  t.ok(span !== 'b7ad6b7169203331')
  t.equal(flags, '01')
  t.equal(upstream.requests[0].head.headers.tracestate, 'vendor=1')
})

test('begins a trace where there is none', async t => {
  const upstream = t.upstream('localhost:8080', () => new Message('hi'))
  await t.port(8000).request({ path: '/' })
  t.ok(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]$/.test(upstream.requests[0].head.headers.traceparent))
})
