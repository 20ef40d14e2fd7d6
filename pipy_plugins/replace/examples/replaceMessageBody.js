pipy()
  .pipeline('wrap')
  .replaceMessageBody('1m', body => JSON.encode({ text: body.toString() }))
