pipy()
  .listen(8000)
  .demuxHTTP('request')

  .pipeline('request')
  .muxHTTP('web', () => 'web')

  .pipeline('web')
  .connect('web:80')
