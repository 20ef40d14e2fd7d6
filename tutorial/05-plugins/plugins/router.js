(router =>

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

)(
  new algo.URLRouter({
    '/hi/*': 'localhost:8080',
    '/echo': 'localhost:8081',
    '/ip/*': 'localhost:8082',
  })
)
