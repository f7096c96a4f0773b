"""The doctor's questions about Postfix: would mail be judged as promised, and is it told what became of it?

Reads facts and tables; mends nothing.
Begin with ``inbound_checks``, ``listener_checks``, ``log_checks``.
"""
