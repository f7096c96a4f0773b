"""``domain-secure partner bypass``: mail with a partner goes through unproved for some hours, and no longer.

Asks the daemon and Postfix.
Begin with ``command``.
"""
