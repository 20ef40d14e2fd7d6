"""``pipy status`` and ``pipy top``: what a running program tells at its admin port, for people. Clients of it, and nothing more."""
