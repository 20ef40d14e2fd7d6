test('URLRouter finds the rule that fits best', t => {
  const router = new algo.URLRouter({ '/api/*': 'api', '/api/health': 'health', 'static.example.com/*': 'files' })
  t.equal(router.find('example.com', '/api/users'), 'api')
  t.equal(router.find('example.com', '/api/health'), 'health')
  t.equal(router.find('static.example.com', '/logo.png'), 'files')
  t.equal(router.find('example.com', '/'), undefined)
})

test('RoundRobinLoadBalancer gives each target its share', t => {
  const balancer = new algo.RoundRobinLoadBalancer({ a: 2, b: 1 })
  const chosen = [1, 2, 3, 4, 5, 6].map(() => balancer.select())
  t.equal(chosen.filter(target => target === 'a').length, 4)
})

test('LeastWorkLoadBalancer chooses who has least to do', t => {
  const balancer = new algo.LeastWorkLoadBalancer(['a', 'b'])
  t.equal([balancer.select(), balancer.select()].sort(), ['a', 'b'])
  balancer.deselect('b')
  t.equal(balancer.select(), 'b')
})

test('HashingLoadBalancer always chooses the same for a key', t => {
  const balancer = new algo.HashingLoadBalancer(['a', 'b', 'c'])
  t.equal(balancer.select('ann'), balancer.select('ann'))
})

test('Cache makes what it does not have, and forgets what was not used', t => {
  const forgotten = []
  const cache = new algo.Cache(2, key => key.toUpperCase(), key => forgotten.push(key))
  t.equal(cache.get('a'), 'A')
  cache.set('b', 1)
  cache.set('c', 2)
  t.equal(forgotten, ['a'])
})

test('ResourcePool lends what has been given back', t => {
  let count = 0
  const pool = new algo.ResourcePool(() => ++count)
  const first = pool.allocate()
  t.equal(pool.allocate(), 2)
  pool.free(first)
  t.equal(pool.allocate(), 1)
})

test('Percentile', t => {
  const latency = new algo.Percentile([1, 10, 100])
  for (const ms of [1, 1, 1, 5, 50]) latency.observe(ms)
  t.equal(latency.calculate(50), 1)
  t.equal(latency.calculate(99), 100)
})

test('hash', t => {
  t.equal(algo.hash('ann'), algo.hash('ann'))
  t.ok(algo.hash('ann') >= 0)
})

test('Health says which targets load balancers leave out: none until something else is known', t => {
  const health = new algo.Health(['a', 'b'], { name: 'example' })
  const balancer = new algo.RoundRobinLoadBalancer(['a', 'b'], health)
  t.equal([balancer.select(), balancer.select()], ['a', 'b'])
  t.equal(health.get('a'), false)
  t.equal(health.out, [])
  health.add('c')
  t.equal(health.targets, ['a', 'b', 'c'])
})
