"""Lists of a million entries in little memory, and the reading of their files in little time.

Pure.  Knows nothing but octets: what an entry may be is ``terms``' part.  Begin with ``entry_text``.
"""
