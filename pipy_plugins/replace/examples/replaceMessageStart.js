pipy()
  .pipeline('anonymous')
  .replaceMessageStart(
    message => new MessageStart({ method: message.head.method, path: message.head.path, headers: { host: 'example.com' } })
  )
