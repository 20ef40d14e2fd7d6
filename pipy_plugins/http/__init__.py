"""HTTP/1: the codec (which byte may follow which), ``serveHTTP``, and the joins that take a connection apart and share upstreams.

``framing`` decides what a block of received fields means, ``heads`` are the heads that flow, ``decoder`` and ``encoder`` turn bytes
into events and back; ``codecs``, ``serve``, ``demux`` and ``mux`` are the filters. Framing is always written anew, never copied.
"""
