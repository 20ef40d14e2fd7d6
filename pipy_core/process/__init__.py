"""One process that runs a script: what it has, how a new version of the script takes over in it, and how it ends.

It decides for itself (``alone``), or does what a supervisor says (``supervised``); what the two say to each other is here too
(``control``, ``channel``). The supervisor is a package of its own.
"""
