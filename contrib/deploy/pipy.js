// The script to begin with: it answers on port 8000, on this machine only. Put your own in its place.
pipy()
  .listen('127.0.0.1:8000')
  .serveHTTP(new Message('Pipy works. Its script is /etc/pipy/pipy.js\n'))
