// Connections to port 2222 reach a host that only the proxy can reach.
pipy()
  .listen(2222)
  .connectHTTPTunnel('tunnel', 'far.away:22')
  .pipeline('tunnel')
  .handleMessageStart(({ head }) => head.headers['proxy-authorization'] = 'Basic am9lOnNlY3JldA==')
  .muxHTTP('proxy', '')
  .pipeline('proxy')
  .connect('127.0.0.1:3128')
