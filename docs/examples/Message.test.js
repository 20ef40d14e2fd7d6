test('a head and a body', t => {
  const message = new Message({ status: 404 }, 'no such thing')
  t.equal(message.head, { status: 404 })
  t.equal(message.body.toString(), 'no such thing')
})

test('one argument is the body if it is text or Data, else the head', t => {
  t.equal(new Message('hello').head, null)
  t.equal(new Message({ path: '/' }).body, null)
})
