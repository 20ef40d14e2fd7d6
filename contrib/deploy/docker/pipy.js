// The script of the image until another one is put in its place: a server that says what it was asked.
pipy()
  .listen(6000)
  .serveHTTP(req => new Message(`You are requesting ${req.head.path} from ${__inbound.remoteAddress}\n`))
