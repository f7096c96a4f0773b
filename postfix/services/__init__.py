"""What runs beside the files of an instance: where its services listen, what they have read, other instances.

Knows an instance by its programs and processes; what attach wants of it is nothing to this room.
Begin with ``smtp_listeners``.
"""
