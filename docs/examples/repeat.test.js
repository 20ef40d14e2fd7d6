test('a number of times, or until the function gives something false', t => {
  const seen = []
  repeat(3, i => seen.push(i))
  t.equal(seen, [0, 1, 2])
  t.equal(repeat(i => i < 5), false)
})
