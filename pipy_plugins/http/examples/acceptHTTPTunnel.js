// A proxy for browsers: CONNECT to port 443 of any host.
pipy({ _target: '' })
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .acceptHTTPTunnel(
    'tunnel',
    request => (
      (_target = request.head.path),
      request.head.method !== 'CONNECT' ? new Message({ status: 405 }) :
      _target.endsWith(':443') ? new Message({ status: 200 }) :
      new Message({ status: 403 }, 'Only port 443')
    )
  )
  .pipeline('tunnel')
  .connect(() => _target)
