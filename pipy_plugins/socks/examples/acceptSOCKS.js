// A SOCKS proxy for those who know the password, to everywhere but this machine.
pipy({ _target: '' })
  .listen(1080)
  .acceptSOCKS(
    'out',
    (host, port) => (
      (_target = `${host}:${port}`),
      host !== 'localhost' && !host.startsWith('127.')
    ),
    { authenticate: (user, password) => user === 'joe' && password === 'secret' }
  )
  .pipeline('out')
  .connect(() => _target)
