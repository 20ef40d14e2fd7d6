pipy()
  .pipeline('lines')
  .split(byte => byte === 10 ? new MessageEnd : undefined)
