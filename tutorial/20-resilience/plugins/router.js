((config, router) => (

router = new algo.URLRouter(
  Object.fromEntries(
    Object.entries(config.routes).map(
      ([path, { service, rewrite }]) => [
        path,
        {
          service,
          rewrite: rewrite && (path => path.replace(new RegExp(rewrite[0]), rewrite[1])),
        }
      ]
    )
  )
),

pipy({
  _route: null,
})

  .export('router', { __service: '' })

  .pipeline('request')
  .handleMessageStart(
    request => (
      _route = router.find(request.head.headers.host, request.head.path),
      __service = _route?.service || '',
      _route?.rewrite && (
        request.head.path = _route.rewrite(request.head.path)
      )
    )
  )

))(JSON.decode(pipy.load('config/router.json')))
