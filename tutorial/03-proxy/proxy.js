pipy()

  .listen(8000)
  .demuxHTTP('request')

  .pipeline('request')
  .muxHTTP('upstream', '')

  .pipeline('upstream')
  .connect('localhost:8080')
