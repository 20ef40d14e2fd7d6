((config, keys, check) => (

keys = Object.fromEntries(
  Object.entries(config.keys).map(
    ([id, file]) => [id, new crypto.PublicKey(pipy.load(file))]
  )
),

check = (token, allowed) => (
  !token.isValid ? [401, 'Invalid token'] :
  !keys[token.header.kid] ? [401, 'Unknown key'] :
  !allowed.includes(token.header.kid) ? [403, 'Access denied'] :
  !token.verify(keys[token.header.kid]) ? [401, 'Invalid signature'] :
  null
),

pipy({
  _denial: null,
})

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .pipeline('request')
  .handleMessageStart(
    request => (
      _denial = config.services[__service] ? check(
        new crypto.JWT((request.head.headers.authorization || '').replace(new RegExp('^Bearer '), '')),
        config.services[__service]
      ) : null,
      __turnDown = Boolean(_denial)
    )
  )
  .link(
    'deny', () => __turnDown,
    ''
  )

  .pipeline('deny')
  .replaceMessage(
    () => new Message({ status: _denial[0] }, _denial[1])
  )

))(JSON.decode(pipy.load('config/jwt.json')))
