"""The rooms with sockets, clocks and greenlets."""
