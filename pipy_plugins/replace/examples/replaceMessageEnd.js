pipy()
  .pipeline('sign')
  .replaceMessageEnd(end => [new Data('\n-- \nsent through a proxy'), end])
