pipy({ _started: 0, _seconds: 0 })
  .pipeline('timed')
  .handleMessageStart(() => _started = Date.now())
  .handleMessageEnd(() => _seconds = (Date.now() - _started) / 1000)
