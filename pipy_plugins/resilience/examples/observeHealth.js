((
  targets = ['localhost:8081', 'localhost:8082'],
  health = new algo.Health(targets, { failures: 3, ejectFor: '30s' }),
  balancer = new algo.RoundRobinLoadBalancer(targets, health),
) =>

pipy({ _target: '' })
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .handleMessageStart(() => _target = balancer.select())
  .observeHealth('forward', health, () => _target, { timeout: '2s' })
  .pipeline('forward')
  .muxHTTP('upstream', () => _target)
  .pipeline('upstream')
  .connect(() => _target)

)()
