"""``domain-secure log``: the protocol log read back, and how much goes into it.

Prints; records are ``policy/history``'s.
Begin with ``command``.
"""
