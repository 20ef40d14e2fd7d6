"""SOCKS 4, 4a and 5: ``acceptSOCKS`` for clients, ``connectSOCKS`` towards a proxy."""
