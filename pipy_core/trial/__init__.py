"""The script test kit: a user's tests of a script, without sockets, real time or other processes.

A script is loaded by the real engine, with the real filters; what is around it is played: clients of its ports, the upstreams that
it connects to, the programs that it runs, the clock. ``docs/testing-scripts.md`` is the reference for its users.
"""
