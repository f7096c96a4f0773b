"""Deliveries and failed sessions, made of the lines of Postfix's SMTP client.

Pure: a state machine over lines, whose table stands in ``client_process``.  Knows no file and no counter.
Begin with ``delivery_tracker``, then ``client_process``.
"""
