"""What can be read again from a file need not stay in memory; anything else has to."""

import os
import subprocess
import sys

import pytest

from domain_secure.milter.memory.mapped_files import mapped, readable_again

LIBRARY = "/usr/lib/x86_64-linux-gnu/libcrypto.so.3"


@pytest.mark.parametrize(
    ("permissions", "inode", "path", "anonymous", "is_left"),
    [
        ("r-xp", 7, LIBRARY, 0, True),
        ("r--p", 7, "/usr/lib/a folder/lib.so", 0, True),
        ("r--s", 7, "/usr/lib/gconv/gconv-modules.cache", 0, True),
        ("r-xp", 7, f"{LIBRARY} (deleted)", 0, True),
        # Relocated pointers, then read-only: they stand in no file.
        ("r--p", 7, LIBRARY, 16, False),
        ("rw-p", 7, LIBRARY, 0, False),
        ("rw-s", 7, "/var/lib/domain-secure/history.sqlite-shm", 0, False),
        ("r-xp", 0, "[vdso]", 0, False),
        ("r--p", 0, "", 0, False),
        ("---p", 7, LIBRARY, 0, False),
    ],
)
def test_which_mappings_are_left(
    permissions: str, inode: int, path: str, anonymous: int, *, is_left: bool
) -> None:
    """A file's pages that nobody may write and that are as in the file; each between two that stay."""
    asked = f"7f0000001000-7f0000003000 {permissions} 00012000 fe:01 {inode}      {path}"
    smaps = (
        "55d000000000-55d000001000 rw-p 00000000 00:00 0          [heap]",
        "Rss:                   4 kB",
        "Anonymous:             0 kB",
        asked,
        "Rss:                   8 kB",
        f"Anonymous:            {anonymous} kB",
        "AnonHugePages:         0 kB",
        "VmFlags: rd ex mr mw me sd",
        "7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0          [stack]",
        "Anonymous:             0 kB",
    )
    assert list(readable_again(smaps)) == ([(0x7F0000001000, 0x7F0000003000)] if is_left else [])


_PROGRAM = """
import hashlib, ssl
from cryptography import x509
from domain_secure.milter.memory import mapped_files
text, before = str(x509.Name([])), mapped_files.mapped()
digest = hashlib.sha256(b"x").digest()
held = bytearray(b"held" * 100_000)
mapped_files.leave()
after = mapped_files.mapped()
assert after < before - 5_000_000, (before, after)
assert hashlib.sha256(b"x").digest() == digest and str(x509.Name([])) == text
assert held == b"held" * 100_000
ssl.create_default_context()
"""


def test_what_was_left_comes_back() -> None:
    """Megabytes of the libraries' files are left, and whatever is in them works as before."""
    subprocess.run([sys.executable, "-P", "-c", _PROGRAM], check=True)


def test_the_size_of_files_is_that_of_this_process() -> None:
    """It is told in octets: an interpreter's is at least a page, and less than all of the memory."""
    assert os.sysconf("SC_PAGE_SIZE") < mapped() < 2**33
