"""Whether a partner that is watched only may be enforced: by what was seen of it, and by what was not.

Begin with ``promotion``.
"""
