"""``domain-secure explain``: which verdict a message would get, and why.

Prints; takes the daemon's own decision.
Begin with ``command``.
"""
