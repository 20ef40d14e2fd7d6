// Sorts the lines of each client. How the program ends is logged.
pipy()
  .listen(8000)
  .exec(() => ['sort', '--unique'], {
    env: { LC_ALL: 'C' },
    onExit: (code, signal) => console.log('sort ended with', code ?? signal),
  })
