"""Revocation lists and OCSP answers kept up to date, in a thread of its own.

Asks the network; judging is ``policy/revocation``'s part.
Begin with ``revocation_watch``, then ``revocation_table``.
"""
