pipy({ _bytes: 0 })
  .listen(8000)
  .handleData(data => _bytes += data.size)
  .connect('localhost:9000')
