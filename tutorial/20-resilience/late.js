pipy()

  .listen(8083)
  .serveHTTP(new Message('Sorry to be late!\n'))
