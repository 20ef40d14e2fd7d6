((
  targets = ['localhost:8081', 'localhost:8082'],
  health = new algo.Health(targets, { fall: 2, rise: 1 }),
  balancer = new algo.RoundRobinLoadBalancer(targets, health),
) =>

pipy({ _target: '' })
  .listen(8000)
  .demuxHTTP('request')
  .task('5s')
  .checkHealth(health, { path: '/ping', timeout: '1s' })
  .pipeline('request')
  .handleMessageStart(() => _target = balancer.select())
  .muxHTTP('upstream', () => _target)
  .pipeline('upstream')
  .connect(() => _target)

)()
