pipy({ _path: '' })
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .handleMessageStart(
    message => (
      _path = message.head.path,
      message.head.headers['x-original-path'] = _path,
      message.head.path = '/v2' + _path
    )
  )
  .muxHTTP('upstream', '')
  .pipeline('upstream')
  .connect('localhost:8080')
