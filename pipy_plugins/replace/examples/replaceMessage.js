pipy()
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .replaceMessage(
    '1m',
    request => new Message({ status: 200, headers: { 'content-type': 'text/plain' } }, request.body.toString().toUpperCase())
  )
