"""The lookup tables for the send list: from configuration to lines, compiled, swapped, read back; and
where mail would go.

``tables`` is pure, the rest touches the disk and asks Postfix.
Begin with ``tables``, then ``publish``.
"""
