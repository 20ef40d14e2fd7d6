((config, router) => (

router = new algo.URLRouter(config.routes),

pipy({ _target: undefined })

  .import({ __turnDown: 'proxy' })

  .pipeline('request')
  .handleMessageStart(
    request => (
      _target = router.find(request.head.headers.host, request.head.path),
      __turnDown = Boolean(_target)
    )
  )
  .link(
    'forward', () => __turnDown,
    ''
  )

  .pipeline('forward')
  .muxHTTP('upstream', () => _target)

  .pipeline('upstream')
  .connect(() => _target)

))(JSON.decode(pipy.load('config/router.json')))
