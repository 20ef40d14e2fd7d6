test('bytes, and text in several encodings', t => {
  const data = new Data('Grüße')
  t.equal(data.size, 7)
  t.equal(data.toString(), 'Grüße')
  t.equal(data.toString('hex'), '4772c3bcc39f65')
  t.equal(new Data('R3LDvMOfZQ==', 'base64'), data)
})

test('taking from the front, adding at the end', t => {
  const data = new Data('hello').push(', ').push(new Data('world'))
  t.equal(data.shift(5).toString(), 'hello')
  t.equal(data.toString(), ', world')
})
