"""A program of several processes: one that opens the ports and keeps the others running, and workers that run the script.

The supervisor runs no script and knows no V8. Workers are started by exec; what is said to them is in ``process.control``.
"""
