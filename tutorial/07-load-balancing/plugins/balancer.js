((config, balancers) => (

balancers = Object.fromEntries(
  Object.entries(config.services).map(
    ([service, targets]) => [service, new algo.RoundRobinLoadBalancer(targets)]
  )
),

pipy({ _target: undefined })

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .pipeline('request')
  .handleMessageStart(
    () => (
      _target = balancers[__service]?.select?.(),
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

))(JSON.decode(pipy.load('config/balancer.json')))
