"""One SMTP session: what both doors said of it, joined, and the answer to each message.

Speaks the milter and the policy delegation protocol; the rule itself is ``policy/decision``'s.
Begin with ``callbacks``, then ``inbound`` and ``joined``.
"""
