test('what surrounds the program', t => {
  t.ok(typeof os.env.PATH === 'string')
  t.equal(os.readFile('/no/such/file'), null)
  t.logged('cannot open file')
  t.equal(os.stat('/').isDirectory(), true)
})
