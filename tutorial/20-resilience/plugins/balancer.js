((config, health, services, counter, pool) => (

health = new algo.Health(
  Object.values(config.services).flatMap(
    ({ targets }) => Array.isArray(targets) ? targets : Object.keys(targets)
  ),
  config.health
),

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
      ])(new algo[algorithm || 'RoundRobinLoadBalancer'](targets, health))
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
  _memory: null,
  _key: null,
  _tries: 0,
  _target: undefined,
})

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .task('1s')
  .checkHealth(health, config.check)

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
      _memory = _client ? _service.choices : _choices,
      _key = _client || _service?.balancer,
      __turnDown = Boolean(_service) || __service === 'health'
    )
  )
  .link(
    'forward', () => Boolean(_service),
    'health', () => __turnDown,
    ''
  )

  .pipeline('forward')
  .retryHTTP('try', config.retry)

  .pipeline('try')
  .handleMessageStart(
    () => (
      (_tries++ > 0 || health.get(_memory.get(_key))) && _memory.remove(_key),
      _target = _memory.get(_key)
    )
  )
  .observeHealth('send', health, () => _target)

  .pipeline('send')
  .muxHTTP('upstream', () => _connections.get(_target))

  .pipeline('upstream')
  .connect(() => _target)

  .pipeline('health')
  .replaceMessage(
    () => new Message(`out of order: ${health.out.join(' ') || 'nothing'}\n`)
  )

))(JSON.decode(pipy.load('config/balancer.json')))
