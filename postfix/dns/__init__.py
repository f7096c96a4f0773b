"""Questions to the system's resolver: mail servers, TLSA, MTA-STS, DKIM keys.

Asks the network.  An answer that failed is never taken for an empty one.
Begin with ``dns_lookup``, then ``mail_exchangers``.
"""
