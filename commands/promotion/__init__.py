"""``domain-secure promote``: from observe to enforce, by what was seen of a partner.

Asks the history, the configuration and the daemon.
Begin with ``command``.
"""
