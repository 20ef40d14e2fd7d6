((balancer) =>

pipy({ _target: '' })
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .retryHTTP('try', { attempts: 2 })
  .pipeline('try')
  .handleMessageStart(() => _target = balancer.select())
  .muxHTTP('upstream', () => _target)
  .pipeline('upstream')
  .connect(() => _target)

)(new algo.RoundRobinLoadBalancer(['localhost:8081', 'localhost:8082']))
