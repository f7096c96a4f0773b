"""What two partners announce to each other in a signed file, and what follows from it for a rule.

Owns the form of the file; must not know who reads it, the clock, and where keys lie.
Begin with ``agreement``.
"""
