"""Take out of a text what says who wrote to whom: the local parts of addresses.

Source: RFC 5321 section 4.1.2 (Mailbox), for what a local part may look like.
"""

import re

# A quoted string, or everything up to a delimiter that no unquoted local part holds.
_LOCAL_PART = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|[^\s,;="<>:@()]+)@""")
REDACTED = "…"


def without_local_parts(text: str) -> str:
    """Return *text* with ``…`` in place of each local part; domains stay."""
    return _LOCAL_PART.sub(f"{REDACTED}@", text)
