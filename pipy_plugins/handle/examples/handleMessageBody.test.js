test('gives the body to a function', async t => {
  const stream = t.pipeline('order')
  await stream.send(new Message('{ "item": "tea", "count": 2 }'))
  t.equal(stream.variable('_order'), { item: 'tea', count: 2 })
  t.equal(stream.messages[0].body.toString(), '{ "item": "tea", "count": 2 }')
})
