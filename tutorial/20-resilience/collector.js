(received =>

pipy()

  .listen(8123)
  .serveHTTP(
    request => request.head.method === 'POST' ? (
      received.push(request.body.toString()),
      new Message({ status: 204 })
    ) : (
      received.length > 0 ? new Message(received.splice(0).join('')) : new Message({ status: 503 })
    )
  )

)([])
