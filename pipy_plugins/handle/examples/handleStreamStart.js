pipy({ _since: 0 })
  .listen(8000)
  .handleStreamStart(() => _since = Date.now())
  .serveHTTP(() => new Message(`connected for ${(Date.now() - _since) / 1000} s`))
