((config, services, counter, pool) => (

services = Object.fromEntries(
  Object.entries(config.services).map(
    ([name, { targets, algorithm, sticky }]) => (
      (balancer => [
        name,
        {
          balancer,
          sticky,
          choices: sticky && new algo.Cache(
            10000,
            () => balancer.select(),
            (client, target) => balancer.deselect(target)
          ),
        }
      ])(new algo[algorithm || 'RoundRobinLoadBalancer'](targets))
    )
  )
),

counter = { connections: 0 },

pool = new algo.ResourcePool(
  () => ++counter.connections
),

pipy({
  _choices: null,
  _connections: null,
  _service: null,
  _client: undefined,
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
    request => (
      _service = services[__service],
      _client = _service?.sticky && request.head.headers[_service.sticky],
      _target = _service && (
        _client ? _service.choices.get(_client) : _choices.get(_service.balancer)
      ),
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
