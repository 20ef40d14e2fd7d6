test('a document is a tree', t => {
  const document = XML.parse('<order id="7"><item>tea</item></order>')
  const order = document.children[0]
  t.equal(order.attributes.id, '7')
  t.equal(order.children[0].children, ['tea'])
})

test('writing one', t => {
  const item = new XML.Node('item', null, ['tea'])
  const document = new XML.Node('', null, [new XML.Node('order', { id: 7 }, [item])])
  t.equal(XML.stringify(document), '<order id="7"><item>tea</item></order>')
})

test('what is no document is null', t => {
  t.equal(XML.parse('<order>'), null)
})
