"""``domain-secure probe``: what would happen if we sent to a partner now.

Prints; looking is ``postfix/probe``'s, judging ``policy/sending``'s.
Begin with ``command``.
"""
