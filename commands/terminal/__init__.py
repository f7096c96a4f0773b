"""What commands share: the configuration they mean, tables, progress, the daemon's answers.

No command of its own.
Begin with ``common``.
"""
