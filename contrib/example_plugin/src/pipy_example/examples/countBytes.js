pipy()
  .listen(8000)
  .countBytes(size => console.log(`${size} bytes in`))
  .serveHTTP(new Message('Hi, there!'))
