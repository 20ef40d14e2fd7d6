((config, balancers) => (

balancers = Object.fromEntries(
  Object.entries(config.services).map(
    ([service, targets]) => [service, new algo.RoundRobinLoadBalancer(targets)]
  )
),

pipy({
  _choices: null,
  _balancer: null,
  _target: undefined,
})

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .pipeline('session')
  .handleStreamStart(
    () => _choices = new algo.Cache(
      balancer => balancer.select(),
      (balancer, target) => balancer.deselect(target)
    )
  )
  .handleStreamEnd(
    () => _choices.clear()
  )

  .pipeline('request')
  .handleMessageStart(
    () => (
      _balancer = balancers[__service],
      _target = _balancer && _choices.get(_balancer),
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
