(config =>

pipy({
  _root: '',
  _file: null,
})

  .import({
    __turnDown: 'proxy',
    __service: 'router',
  })

  .pipeline('request')
  .handleMessageStart(
    ({ head }) => (
      _root = config.services[__service]?.root,
      _file = (
        _root && (head.method === 'GET' || head.method === 'HEAD')
          ? http.File.from(_root + new URL(head.path).pathname)
          : null
      ),
      __turnDown = Boolean(_file)
    )
  )
  .link(
    'answer', () => __turnDown,
    ''
  )

  .pipeline('answer')
  .replaceMessage(
    ({ head }) => _file.toMessage(head)
  )

)(JSON.decode(pipy.load('config/static.json')))
