"""Mail on its way out: deliveries and what they count for, and whether a partner's server would be
accepted.

Pure.  Knows no line of Postfix's log and no socket.
Begin with ``delivery``, then ``server_verdict``.
"""
