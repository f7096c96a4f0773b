"""A milter made with pymilter that does nothing at the end of a message, and asks for nothing before it.

    noop_pymilter.py unix:/path

The socket may be used by everybody.  For Debian's own Python, which has pymilter as ``python3-milter``.
"""

import os
import sys

import Milter


class Nothing(Milter.Base):
    """Takes whatever comes."""

    def eom(self) -> int:
        """Let the message in."""
        return int(Milter.CONTINUE)


os.umask(0)
Milter.factory = Nothing
Milter.runmilter("noop", sys.argv[1])
