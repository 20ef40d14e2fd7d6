(config =>

pipy()

  .import({ __service: 'router' })

  .pipeline('request')
  .link(
    'throttled', () => __service in config.services,
    ''
  )

  .pipeline('throttled')
  .throttleMessageRate(
    () => config.services[__service],
    () => __service
  )

)(JSON.decode(pipy.load('config/throttle.json')))
