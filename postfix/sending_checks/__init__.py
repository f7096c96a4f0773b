"""The doctor's questions about each way on which mail could leave otherwise than promised.

Reads facts and tables, and asks them as Postfix does; mends nothing.
Begin with ``routing_checks``, ``filter_checks``, ``inherited_checks``.
"""
