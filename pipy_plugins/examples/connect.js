pipy()
  .listen(8000)
  .connect('db.internal:5432', { retryCount: 2, retryDelay: 1, connectTimeout: 5 })
