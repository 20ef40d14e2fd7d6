pipy()
  .listen(8000)
  .throttleDataRate('1k')
  .connect('localhost:9000')
