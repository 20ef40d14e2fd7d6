test('which addresses belong to a network', t => {
  const net = new Netmask('10.1.0.0/16')
  t.equal(net.contains('10.1.2.3'), true)
  t.equal(net.contains('10.2.0.1'), false)
  t.equal([net.base, net.broadcast, net.size], ['10.1.0.0', '10.1.255.255', 65536])
})

test('giving out addresses', t => {
  const net = new Netmask('192.168.7.0/30')
  t.equal([net.next(), net.next(), net.next()], ['192.168.7.1', '192.168.7.2', ''])
})
