pipy()
  .listen(8000)
  .dump('from the client')
  .serveHTTP(new Message('hello'))
