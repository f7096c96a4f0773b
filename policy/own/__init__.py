"""Our own certificates: keys, requests, import, what is in use, and the check before a renewal.

Keeps the folder of keys; what is computed in it is computed on values.  Knows no Postfix.
Begin with ``own_certificates``, then ``own_import`` and ``renewal_check``.
"""
