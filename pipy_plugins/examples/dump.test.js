test('logs every event', async t => {
  await t.port(8000).request()
  t.logged(/\[dump\] \[context=\d+\] \[from the client\] Data \[size=\d+\]/)
})
