pipy()
  .pipeline('batch')
  .pack(3, { timeout: 5 })
