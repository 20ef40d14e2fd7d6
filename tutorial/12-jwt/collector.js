(received =>

pipy()

  .listen(8123)
  .serveHTTP(
    request => request.head.method === 'POST' ? (
      received.push(request.body.toString()),
      new Message({ status: 204 })
    ) : (
      new Message(received.join(''))
    )
  )

)([])
