"""What is known when a message is judged: the configuration in force, and what sources say of a
certificate.

Reads files; holds the last good state.
Begin with ``live_configuration`` and ``knowledge``.
"""
