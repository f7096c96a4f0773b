"""Which certificates Postfix shows: pointing main.cf at the files in use, and pointing it back.

Owns: the parameters of server and client side, how former settings are kept in main.cf for detach, and
which service shows what.
Must not know: what is in the files (``policy.enabled_certificates``).
Invariant: ``without_certificates(with_certificates(content, ...))`` is *content*, byte for byte; it works on
the content alone, with no record.
Sources: postconf(5): smtpd_tls_chain_files and smtp_tls_chain_files, which make Postfix ignore the older
parameters, with a warning at each start of a process while these are not empty.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance import main_cf
from domain_secure.postfix.instance.logical_lines import insert_lines, remove, remove_comment
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service

COMMENT = b"# Added by domain-secure cert enable; domain-secure detach removes it."
KEPT = b"# domain-secure detach restores: "
CHAIN_FILES = {Role.SERVER: "smtpd_tls_chain_files", Role.CLIENT: "smtp_tls_chain_files"}

_PREFIXES = {Role.SERVER: "smtpd_tls", Role.CLIENT: "smtp_tls"}
_OLDER = ("cert_file", "key_file", "eccert_file", "eckey_file", "dcert_file", "dkey_file")
_PROGRAMS = {Role.SERVER: "smtpd", Role.CLIENT: "smtp"}
_KEPT_LINE = re.compile(rb"^" + re.escape(KEPT), re.MULTILINE)
# postconf(5) has no way to quote an element of a list.
_WRITABLE = re.compile(r"[\w./+@:=-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Override:
    """A service that shows another certificate, whatever main.cf says."""

    service: str
    parameter: str
    value: str


def with_certificates(main: bytes, files: Mapping[Role, Path], master: bytes = b"") -> bytes:
    """Return main.cf with *files* in force; what it said before is kept as comments.

    An older parameter that another setting refers to, also in *master*, stays; Postfix ignores it.
    """
    wanted = enabled_files(main) | dict(files)
    content = without_certificates(main)
    content = _kept(content, _replaced(content, master, wanted))
    for role, path in wanted.items():
        if not _WRITABLE.fullmatch(str(path)):
            raise Problem(
                "Postfix cannot read a certificate from a path with such characters",
                str(path),
                "set [paths] state to a path of letters and digits",
            )
        line = f"{CHAIN_FILES[role]} = {path}".encode()
        content = insert_lines(content, len(content), [COMMENT, line])
    return content


def without_certificates(main: bytes) -> bytes:
    """Return main.cf with what it said before; what others set meanwhile stays."""
    files = enabled_files(main)
    ours = [
        (entry.line.start, entry.line.end)
        for entry in main_cf.entries(main)
        for role, path in files.items()
        if entry.name.decode(errors="replace") == CHAIN_FILES[role] and entry.value == str(path).encode()
    ]
    return _KEPT_LINE.sub(b"", remove_comment(remove(main, ours), COMMENT))


def enabled_files(main: bytes) -> dict[Role, Path]:
    """Return the files of ours that main.cf names, known by their place."""
    found = {}
    for role, parameter in CHAIN_FILES.items():
        for entry in main_cf.entries(main):
            path = Path(entry.value.decode(errors="surrogateescape"))
            if entry.name == parameter.encode() and path.parts[-3:] == ("keys", "enabled", f"{role}.pem"):
                found[role] = path
    return found


def overrides(instance: PostfixInstance, roles: Collection[Role]) -> Iterator[Override]:
    """Yield the services whose own options keep them from showing what main.cf names."""
    for service in instance.services():
        for role in roles:
            if service.program != _PROGRAMS[role]:
                continue
            # An override of an older parameter has no effect beside chain files in main.cf.
            if (name := CHAIN_FILES[role]) in service.overrides:
                yield Override(service.key, name, service.overrides[name])


def services_showing(instance: PostfixInstance, files: Mapping[Role, Path]) -> dict[Role, tuple[str, ...]]:
    """Return for each role the services that show the file of that role."""
    services = instance.services()
    return {role: tuple(_showing(instance, services, role, path)) for role, path in files.items()}


def _showing(instance: PostfixInstance, services: Iterable[Service], role: Role, path: Path) -> Iterator[str]:
    parameter = CHAIN_FILES[role]
    for service in services:
        if service.program == _PROGRAMS[role]:
            value = instance.service_parameter(service, parameter)
            if str(path) in split_elements(value):
                yield service.key


def _kept(content: bytes, names: Collection[str]) -> bytes:
    """Turn the entries of *names* into comments, each of their lines."""
    starts = [
        start
        for entry in main_cf.entries(content)
        if entry.name.decode(errors="replace") in names
        for start, _ in entry.line.spans
    ]
    for start in sorted(starts, reverse=True):
        content = content[:start] + KEPT + content[start:]
    return content


def _replaced(main: bytes, master: bytes, roles: Iterable[Role]) -> frozenset[str]:
    """Return the parameters that no longer count, without older ones that another setting refers to."""
    names: set[str] = set()
    for role in roles:
        names.add(CHAIN_FILES[role])
        older = {f"{_PREFIXES[role]}_{name}" for name in _OLDER}
        others = [
            entry.line.text
            for entry in main_cf.entries(main)
            if entry.name.decode(errors="replace") not in older
        ]
        references = rb"\$[({]?(?:" + "|".join(older).encode() + rb")\b"
        if not re.search(references, b"\n".join([*others, master])):
            names |= older
    return frozenset(names)
