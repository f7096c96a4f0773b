"""TLSA records, and whether a certificate matches them.

Pure; look-ups are ``postfix/dns``'s part.
Begin with ``dane``.
"""
