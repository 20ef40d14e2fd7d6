// A key for this example, and for nothing else
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgR6Ldp9ZJTc7W7AMp
W6QTSSop3X9UEJoHtLQUMGVcPjuhRANCAAQpY8BEsihOec9d9FiuSvtt0XZKAzyo
3V37hckR9pB71Nc/uoaOE+/knk73X4FbW0badoj6FjMKpVv6USEBOLkX
-----END PRIVATE KEY-----
`
const cert = `-----BEGIN CERTIFICATE-----
MIIBMTCB16ADAgECAgEHMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWEuZXhhbXBs
ZTAgFw0yMDAxMDEwMDAwMDBaGA8yMDk5MDEwMTAwMDAwMFowFDESMBAGA1UEAwwJ
YS5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKWPARLIoTnnPXfRY
rkr7bdF2SgM8qN1d+4XJEfaQe9TXP7qGjhPv5J5O91+BW1tG2naI+hYzCqVb+lEh
ATi5F6MYMBYwFAYDVR0RBA0wC4IJYS5leGFtcGxlMAoGCCqGSM49BAMCA0kAMEYC
IQCqclr4QSrYrN5rMti8G5E5hlW/eS3itAF5nIcf68vGkAIhALc8NRz1Oq35jpfK
uN8a+yG1KsukjBRm93yecKtnU79M
-----END CERTIFICATE-----
`

test('answers what it has decrypted', async t => {
  t.file('cert.pem', cert)
  t.file('key.pem', key)
  const wire = t.tcp('localhost:8443', t.port(8443))
  const response = await t.port(8000).request()
  t.equal(response.body.toString(), 'nobody else can read this')
  t.ok(!wire.received.toString('hex').includes(new Data('GET /').toString('hex')))
})

test('refuses what is no TLS', async t => {
  t.file('cert.pem', cert)
  t.file('key.pem', key)
  const client = t.port(8443).open()
  await client.send('GET / HTTP/1.1\r\n\r\n')
  t.equal(client.error, 'Unauthorized')
  t.logged('Handshake failed')
})
