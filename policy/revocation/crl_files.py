"""Revocation lists that an administrator keeps in files (``trust.crl_files``).

Owns: reading them whole or telling which one is wrong.
"""

from collections.abc import Iterable
from pathlib import Path

from domain_secure.policy.terms.problems import Problem

from .revocation_list import (
    MAXIMUM_FILE_OCTETS,
    MalformedRevocationListError,
    RevocationList,
    read_revocation_lists,
)


def read_crl_files(files: Iterable[Path], configuration: Path) -> tuple[RevocationList, ...]:
    """Return the lists of all files; raises Problem, which names the key of *configuration*."""
    found: list[RevocationList] = []
    for file in files:
        where = f"{configuration}: trust.crl_files has {file}"
        try:
            with file.open("rb") as stream:
                found += read_revocation_lists(stream.read(MAXIMUM_FILE_OCTETS + 1))
        except OSError as error:
            raise Problem(
                f"cannot read a file of revocation lists ({error.strerror})",
                where,
                "name a file that the user of the daemon may read",
            ) from error
        except MalformedRevocationListError as error:
            raise Problem(
                f"a file of revocation lists cannot be used: {error}",
                where,
                "fetch it again from the authority, or remove it from the list",
            ) from error
    return tuple(dict.fromkeys(found))
