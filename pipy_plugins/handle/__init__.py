"""The ``handle*`` filters: a script function looks at what passes; what it returns is ignored."""
