pipy()
  .pipeline('shout')
  .replaceData(data => new Data(data.toString().toUpperCase()))
