test('leaves out who does not answer checks until it does', async t => {
  const answers = async () => {
    const texts = []
    for (let i = 0; i < 4; i++) texts.push((await t.port(8000).request()).body.toString())
    return [...new Set(texts)].sort()
  }
  t.upstream('localhost:8081', 'first')
  t.upstream('localhost:8082', 'second')
  await t.task('5s').run()
  t.equal(await answers(), ['first', 'second'])
  t.upstream('localhost:8081', new Message({ status: 503 }, 'starting'))
  await t.task('5s').run()
  await t.task('5s').run()
  t.equal(await answers(), ['second'])
  t.upstream('localhost:8081', 'first')
  await t.task('5s').run()
  t.equal(await answers(), ['first', 'second'])
})
