"""The frames of Dubbo 2 (dubbo.apache.org, "Dubbo2 Protocol Specification"): to messages and back. Spec: filters.md, 7.

A frame is a head of 16 bytes and a body::

    da bb | flags | status | id (8 bytes) | length of the body (4 bytes)

The flags are 0x80 request, 0x40 an answer is wanted, 0x20 event, and the number of the serialization, which is 2 for Hessian.
"""
