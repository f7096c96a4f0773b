"""``domain-secure cert``: our own certificate, from the request to its renewal.

Prints and asks; what it does is done in ``policy/own`` and ``postfix/attach``.
Begin with ``command``.
"""
