((config, balancers, counter, pool) => (

balancers = Object.fromEntries(
  Object.entries(config.services).map(
    ([service, targets]) => [service, new algo.RoundRobinLoadBalancer(targets)]
  )
),

counter = { connections: 0 },

pool = new algo.ResourcePool(
  () => ++counter.connections
),

pipy({
  _choices: null,
  _connections: null,
  _balancer: null,
  _target: undefined,
})

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .pipeline('session')
  .handleStreamStart(
    () => (
      _choices = new algo.Cache(
        balancer => balancer.select(),
        (balancer, target) => balancer.deselect(target)
      ),
      _connections = new algo.Cache(
        target => pool.allocate(target),
        (target, connection) => pool.free(connection)
      )
    )
  )
  .handleStreamEnd(
    () => (
      _choices.clear(),
      _connections.clear()
    )
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
  .muxHTTP('upstream', () => _connections.get(_target))

  .pipeline('upstream')
  .connect(() => _target)

))(JSON.decode(pipy.load('config/balancer.json')))
