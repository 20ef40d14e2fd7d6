pipy({ _order: null })
  .pipeline('order')
  .handleMessageBody('64k', body => _order = JSON.decode(body))
