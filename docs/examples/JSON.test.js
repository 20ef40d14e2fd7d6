test('what is no JSON is undefined, not an exception', t => {
  t.equal(JSON.parse('{ "a": 1 }'), { a: 1 })
  t.equal(JSON.parse('{ "a": '), undefined)
})

test('to Data and back', t => {
  t.equal(JSON.encode({ a: [1, 2] }).toString(), '{"a":[1,2]}')
  t.equal(JSON.decode(new Data('[true]')), [true])
})
