"""Postfix's log as it comes: found, followed over rotation and restart, and kept count of.

Touches the disk and runs journalctl(1).  What a line says is ``postfix/log_lines``'s part, which lines belong
together ``postfix/deliveries``'s.
Begin with ``log_follower``.
"""
