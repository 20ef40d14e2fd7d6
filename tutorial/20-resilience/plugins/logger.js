((config, collector) => (

collector = new URL(config.url),

pipy({
  _request: null,
  _requestTime: 0,
  _responseTime: 0,
})

  .export('logger', { __logInfo: {} })

  .import({ __service: 'router' })

  .pipeline('request')
  .fork('log-request')

  .pipeline('response')
  .fork('log-response')

  .pipeline('log-request')
  .handleMessageStart(
    () => _requestTime = Date.now()
  )
  .decompressHTTP()
  .handleMessage(
    config.bodyLimit,
    request => _request = request
  )

  .pipeline('log-response')
  .handleMessageStart(
    () => _responseTime = Date.now()
  )
  .decompressHTTP()
  .replaceMessage(
    config.bodyLimit,
    response => new Message(
      JSON.encode({
        request: { ..._request.head, body: _request.body.toString() },
        response: { ...response.head, body: response.body.toString() },
        requestTime: _requestTime,
        responseTime: _responseTime,
        endTime: Date.now(),
        client: __inbound.remoteAddress,
        service: __service,
        ...__logInfo,
      }).push('\n')
    )
  )
  .merge('log-send', '')

  .pipeline('log-send')
  .pack(config.batch.size, { timeout: config.batch.seconds })
  .replaceMessageStart(
    () => new MessageStart({
      method: 'POST',
      path: collector.path,
      headers: {
        'host': collector.host,
        'content-type': 'application/x-ndjson',
      },
    })
  )
  .encodeHTTPRequest()
  .connect(collector.host, { bufferLimit: '8m' })

))(JSON.decode(pipy.load('config/logger.json')))
