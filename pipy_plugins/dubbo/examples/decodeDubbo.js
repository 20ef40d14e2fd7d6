pipy()
  .listen(20880)
  .decodeDubbo({ sizeLimit: '1m' })
  .handleMessage(
    ({ head, body }) => head.isEvent || console.log(head.id, Hessian.decode(body)[1])
  )
  .encodeDubbo()
  .connect('service:20880')
