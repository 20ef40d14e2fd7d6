pipy()
  .listen(8000)
  .print()
  .serveHTTP(new Message('hello'))
