test('chooses a pipeline by a condition', async t => {
  t.equal((await t.port(8000).request({ path: '/admin/users' })).head.status, 403)
  t.equal((await t.port(8000).request({ path: '/' })).body.toString(), 'welcome')
})
