test('one line for each call, objects as JSON', t => {
  console.log('order', 7, { item: 'tea' })
  t.logged('order 7 ')
  t.logged('{"item":"tea"}')
})
