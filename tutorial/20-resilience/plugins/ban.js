((config, services) => (

services = Object.fromEntries(
  Object.entries(config.services).map(
    ([service, { allow, deny }]) => [
      service,
      {
        allow: allow && allow.map(cidr => new Netmask(cidr)),
        deny: (deny || []).map(cidr => new Netmask(cidr)),
      }
    ]
  )
),

pipy({
  _lists: null,
})

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .pipeline('request')
  .handleMessageStart(
    () => (
      _lists = services[__service],
      __turnDown = Boolean(_lists) && (
        _lists.deny.some(mask => mask.contains(__inbound.remoteAddress)) || (
          Boolean(_lists.allow) && !_lists.allow.some(mask => mask.contains(__inbound.remoteAddress))
        )
      )
    )
  )
  .link(
    'deny', () => __turnDown,
    ''
  )

  .pipeline('deny')
  .replaceMessage(
    new Message({ status: 403 }, 'Access denied')
  )

))(JSON.decode(pipy.load('config/ban.json')))
