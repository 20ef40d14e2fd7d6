pipy()
  .pipeline('polite')
  .replaceStreamEnd(end => [new Data('bye\n'), end])
