pipy({ _admin: false })
  .listen(8000)
  .demuxHTTP('request')
  .pipeline('request')
  .handleMessageStart(message => _admin = message.head.path.startsWith('/admin'))
  .link(
    'deny', () => _admin,
    'answer'
  )
  .pipeline('deny')
  .replaceMessage(new Message({ status: 403 }, 'not for you'))
  .pipeline('answer')
  .replaceMessage(new Message('welcome'))
