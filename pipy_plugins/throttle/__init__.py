"""``throttleMessageRate`` and ``throttleDataRate``: so many messages or bytes a second, and everything in its order."""
