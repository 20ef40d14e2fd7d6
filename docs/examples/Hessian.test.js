test('there and back', t => {
  const data = Hessian.encode({ name: 'tea', price: 2.5 })
  t.equal(Hessian.decode(data), { name: 'tea', price: 2.5 })
})

test('what is wrong is an error', t => {
  t.throws(() => Hessian.decode(new Data([0x45])), 'unrecognized bytecode 0x45')
})
