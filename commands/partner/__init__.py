"""``domain-secure partner`` and ``pending``: what is demanded of one partner, and the certificates nobody
knows yet.

Prints and asks; edits are ``policy/editing``'s.
Begin with ``command``.
"""
