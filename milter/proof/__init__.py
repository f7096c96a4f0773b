"""The proof that our own port 25 asks us: canary messages, sent to ourselves and refused.

Speaks SMTP to this machine alone.
Begin with ``self_proof``.
"""
