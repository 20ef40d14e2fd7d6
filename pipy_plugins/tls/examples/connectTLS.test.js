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

test('speaks TLS to a server that it trusts', async t => {
  t.file('ca.pem', cert)
  t.file('cert.pem', cert)
  t.file('key.pem', key)
  t.tcp('a.example:443', t.port(443))
  const response = await t.port(8000).request({ path: '/tea' })
  t.equal(response.body.toString(), 'You want /tea')
})

test('says 502 where the server is none', async t => {
  t.file('ca.pem', cert)
  t.file('cert.pem', cert)
  t.file('key.pem', key)
  t.tcp('a.example:443', () => 'HTTP/1.1 400 Bad Request\r\n\r\n')
  t.equal((await t.port(8000).request()).head.status, 502)
  t.logged('Handshake failed')
})
