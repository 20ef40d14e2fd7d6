test('reading and changing a query', t => {
  const params = new URLSearchParams('a=1&b=2&b=3')
  t.equal(params.get('a'), '1')
  t.equal(params.getAll('b'), ['2', '3'])
  params.set('a', 'x y')
  t.equal(params.toString(), 'a=x%20y&b=2&b=3')
})
