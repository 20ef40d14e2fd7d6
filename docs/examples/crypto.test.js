test('Hash and Hmac', t => {
  const hash = new crypto.Hash('sha256')
  hash.update('abc')
  t.equal(hash.digest('hex'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const hmac = new crypto.Hmac('sha1', 'key')
  hmac.update('The quick brown fox jumps over the lazy dog')
  t.equal(hmac.digest('hex'), 'de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9')
})

test('Cipher and Decipher', t => {
  const settings = { key: new Data('0123456789abcdef'), iv: new Data('fedcba9876543210') }
  const cipher = new crypto.Cipher('aes-128-cbc', settings)
  const secret = new Data(cipher.update('tea at five')).push(cipher.final())
  const decipher = new crypto.Decipher('aes-128-cbc', settings)
  t.equal(new Data(decipher.update(secret)).push(decipher.final()).toString(), 'tea at five')
})

test('JWT', t => {
  const part = value => new Data(JSON.stringify(value)).toString('base64url')
  const head = part({ alg: 'HS256' }), payload = part({ sub: 'ann' })
  const hmac = new crypto.Hmac('sha256', 'our secret')
  hmac.update(head + '.' + payload)
  const token = new crypto.JWT([head, payload, hmac.digest('base64url')].join('.'))
  t.equal(token.payload.sub, 'ann')
  t.equal(token.verify('our secret'), true)
  t.equal(token.verify('another one'), false)
})
