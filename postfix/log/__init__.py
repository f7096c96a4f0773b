"""Postfix's log: found, followed, read line by line, and made into deliveries and failed sessions.

From ``log_line`` to ``delivery_tracker`` all is pure; sources and ledger touch the disk.
Begin with ``log_follower``; which lines belong together stands in ``client_process``, in one table.
A new line of Postfix goes into ``client_line`` or ``failure_text``.
"""
