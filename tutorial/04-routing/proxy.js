(router =>

pipy({ _target: undefined })

  .listen(8000)
  .demuxHTTP('request')

  .pipeline('request')
  .handleMessageStart(
    request => _target = router.find(request.head.headers.host, request.head.path)
  )
  .link(
    'forward', () => Boolean(_target),
    'not-found'
  )

  .pipeline('forward')
  .muxHTTP('upstream', () => _target)

  .pipeline('upstream')
  .connect(() => _target)

  .pipeline('not-found')
  .replaceMessage(new Message({ status: 404 }, 'No route found\n'))

)(
  new algo.URLRouter({
    '/hi/*': 'localhost:8080',
    '/echo': 'localhost:8081',
    '/ip/*': 'localhost:8082',
  })
)
