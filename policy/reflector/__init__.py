"""The reflector: who may be answered, and what he is told of his own session.

Computes on frozen values: a letter's facts, what DNS said, a decision.  Must not know: sockets, clocks, DNS.
Begin with ``letter``.
"""
