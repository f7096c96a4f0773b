"""Looks at partners' mail servers as Postfix would see them.

Opens connections, and believes nothing that it reads.
Begin with ``probe`` (one session), then ``domain_probe``; ``tls_session`` is the handshake,
and ``client_flight`` has the table of what it proves.
"""
