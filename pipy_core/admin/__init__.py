"""The admin port, who may use it, and what it shows: how the program stands, and what has been counted.

The pages themselves are plugins, see ``pages``.
"""
