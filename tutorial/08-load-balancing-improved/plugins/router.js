((config, router) => (

router = new algo.URLRouter(config.routes),

pipy()

  .export('router', { __service: '' })

  .pipeline('request')
  .handleMessageStart(
    request => __service = router.find(request.head.headers.host, request.head.path) || ''
  )

))(JSON.decode(pipy.load('config/router.json')))
