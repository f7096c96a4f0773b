"""``domain-secure agreement``: what we announce to partners as a signed file, and what they announce to us.

Gathers what is ours, signs, verifies and prints; a rule is changed by ``partner set`` alone.
Begin with ``command``.
"""
