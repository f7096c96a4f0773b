"""What the process holds of the machine's memory.

Owns the settings of the C library's allocator, and when memory is given back.
Begin with ``memory_upkeep``.
"""
