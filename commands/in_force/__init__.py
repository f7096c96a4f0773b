"""When a change of what is sent, and how, is in force: published, asked for, and the old way forgotten.

Asks the daemon and Postfix, and reloads Postfix.
Begin with ``in_force``.
"""
