pipy()
  .listen(9)
  .dummy()
