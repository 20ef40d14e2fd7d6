const hello = new Data(
  'FgMBAJ4BAACaAwOqBbVzLOPE4H4NShqaIt56lV1sn4NwV50rjkXNyf2UAgAABMArAP8BAABtAAAADgAMAAAJYS5leGFtcGxlAAsA' +
  'BAMAAQIACgAMAAoAHQAXAB4AGQAYACMAAAAQAAUAAwJoMgAWAAAAFwAAAA0AKgAoBAMFAwYDCAcICAgJCAoICwgECAUIBgQBBQEG' +
  'AQMDAwEDAgQCBQIGAg==',
  'base64'
)

test('chooses a server by the name that the client wants, without decrypting anything', async t => {
  const a = t.tcp('10.0.0.1:443')
  await t.port(8443).open().send(hello)
  t.equal(a.received, hello)
})
