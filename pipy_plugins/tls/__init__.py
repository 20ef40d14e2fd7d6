"""TLS: ``acceptTLS``, ``connectTLS`` and ``handleTLSClientHello``."""
