"""Edits of the lists and of partners' rules, in a file or in a fleet's store.

Writes files through ``draft``.  Knows the configuration, and no mail.
Begin with ``editing``, then ``draft``.
"""
