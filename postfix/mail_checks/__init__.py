"""The doctor's questions about Postfix: would mail be judged, and leave, as promised?

Reads facts and tables; mends nothing.
Begin with ``inbound_checks``, ``outbound_checks``, ``routing_checks``.
"""
