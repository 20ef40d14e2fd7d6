"""The ``replace*`` filters: a script's value or function puts events in the place of those that pass (spec: model.md, 7.2)."""
