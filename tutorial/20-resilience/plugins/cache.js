((config, cache, find) => (

cache = new algo.Cache(config.entries),

find = key => (
  (entry => entry && Date.now() < entry.until ? entry.response : null)(cache.get(key))
),

pipy({
  _policy: null,
  _key: '',
  _response: null,
})

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .pipeline('request')
  .handleMessageStart(
    ({ head }) => (
      _policy = config.services[__service],
      _key = (
        head.method === 'GET' && _policy?.extensions.some(extension => head.path.endsWith(extension))
          ? head.headers.host + head.path
          : ''
      ),
      _response = _key && find(_key),
      __turnDown = Boolean(_response)
    )
  )
  .link(
    'answer', () => __turnDown,
    ''
  )

  .pipeline('answer')
  .replaceMessage(
    () => _response
  )

  .pipeline('response')
  .handleMessage(
    config.bodyLimit,
    response => (
      _key && !_response && response.head.status < 400 && response.body.size < config.bodyLimit && (
        cache.set(_key, { response, until: Date.now() + _policy.seconds * 1000 })
      )
    )
  )

))(JSON.decode(pipy.load('config/cache.json')))
