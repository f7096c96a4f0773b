"""What attach leaves in Postfix's files, and how it is known again.

Owns: the names, and taking our parts out of main.cf and master.cf while everything else stays.
Must not know: what goes in; that is ``inbound_settings``'s and ``outbound_settings``'s part.
Invariant: it works on the content alone, without the record, and on content that has nothing of ours.

An editing program may join the lines of a service, move comments or bring settings into another order
(postconf(1) does all three), so that nothing is known by its place: a setting is ours by what it says.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain_secure.postfix.instance import main_cf, master_cf
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.master_cf import Option
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, Table, table_path

CLEANUP_SERVICE = "domain-secure-cleanup"
TLS_MANAGER_SERVICE = "domain-secure-tls"
WHEN_DOWN_CLASS = "domain_secure_when_down"
INBOUND_COMMENT = b"# domain-secure attach: receiving; domain-secure detach removes it."
OUTBOUND_COMMENT = b"# domain-secure attach: sending; domain-secure detach removes it."
TABLE_PARAMETERS = {Table.TLS_POLICY: "smtp_tls_policy_maps", Table.TRANSPORT: "transport_maps"}

# Written without anything in the value that could be nobody else's; ours when they stand next to such.
_PLAIN_OPTIONS = {"smtpd_tls_ask_ccert": "yes", "smtpd_tls_fingerprint_digest": "sha256"}


@dataclass(frozen=True, slots=True)
class Signs:
    """What this installation wrote, now or before."""

    endpoints: frozenset[str]  #: of milter and policy service, as Postfix's settings name them
    tables: frozenset[str]  #: paths of the source texts
    values: frozenset[str]  #: whole lists that we wrote, with what others had in them; see `normal`

    @classmethod
    def of(cls, state: Path, endpoints: Collection[str]) -> "Signs":
        """Return the signs of an installation with its tables below *state*."""
        default = ("unix:domain-secure/milter", "unix:domain-secure/policy")
        return cls(
            frozenset((*default, *endpoints)),
            frozenset(str(table_path(state, table)) for table in Table),
            frozenset(),
        )

    def __or__(self, other: "Signs") -> "Signs":
        """Return the signs of both."""
        return Signs(self.endpoints | other.endpoints, self.tables | other.tables, self.values | other.values)

    def is_our_table(self, element: bytes) -> bool:
        """Tell whether an element of a list of tables is one of ours."""
        return _text(element).partition(":")[2] in self.tables

    def is_our_endpoint(self, element: str) -> bool:
        """Tell whether an element of a list of milters, or the argument of check_policy_service, is ours."""
        return next(iter(split_elements(element.strip("{ }"))), "") in self.endpoints


def normal(value: str) -> str:
    """Return a list in the form in which two are compared."""
    return ", ".join(split_elements(value))


def inbound_services(master: bytes, signs: Signs) -> tuple[str, ...]:
    """Return the services that have options of ours."""
    return tuple(
        _text(entry.key)
        for entry in master_cf.entries(master)
        if any(_others(option, signs) is not None for option in entry.options)
    )


def has_outbound(main: bytes, master: bytes, signs: Signs) -> bool:
    """Tell whether anything of the outbound half is there."""
    return without_outbound(main, master, signs) != (main, master)


def without_inbound(main: bytes, master: bytes, signs: Signs) -> bytes:
    """Return master.cf without the inbound half; what others put into our options stays theirs.

    An option of ours began as a copy of the list that was in force.  Where it still holds that, or what is
    in force now, nothing of others is lost with it; otherwise the rest of it is kept.
    """

    def decide(options: Sequence[Option]) -> Mapping[Option, str | None]:
        leaving: dict[Option, str | None] = {}
        for option in options:
            rest = _others(option, signs)
            if rest is not None:
                known = normal(_text(option.value)) in signs.values
                otherwise = _in_force(main, options, option)
                leaving[option] = (
                    None if known or rest == split_elements(otherwise) else ", ".join(rest) or None
                )
        return leaving | dict.fromkeys(_neighbours(options, leaving))

    master = master_cf.without_options(master, decide)
    master = master_cf.without_services(master, {f"{CLEANUP_SERVICE}/unix".encode()})
    return master_cf.without_comment(master, INBOUND_COMMENT)


def without_outbound(main: bytes, master: bytes, signs: Signs) -> tuple[bytes, bytes]:
    """Return main.cf and master.cf without the outbound half."""
    names = {name.encode() for name in TABLE_PARAMETERS.values()}
    main = main_cf.without(main, names, signs.is_our_table)
    ours = {f"{name}/unix".encode() for name in (TRANSPORT_SERVICE, TLS_MANAGER_SERVICE)}
    master = master_cf.without_services(master, ours)
    return main, master_cf.without_comment(master, OUTBOUND_COMMENT)


def _others(option: Option, signs: Signs) -> list[str] | None:
    """Return what an option of ours holds of others; None when it is not ours."""
    name, elements = _text(option.name), split_elements(_text(option.value))
    if name == "smtpd_milters":
        rest = [element for element in elements if not signs.is_our_endpoint(element)]
    elif name == "smtpd_data_restrictions":
        rest = _other_restrictions(elements, signs)
    elif name == "smtpd_restriction_classes":
        rest = [element for element in elements if element != WHEN_DOWN_CLASS]
    elif name == WHEN_DOWN_CLASS or (name, elements) == ("cleanup_service_name", [CLEANUP_SERVICE]):
        return []
    else:
        return None
    return None if rest == elements else rest


def _other_restrictions(elements: Sequence[str], signs: Signs) -> list[str]:
    rest: list[str] = []
    for element in elements:
        if rest[-1:] == ["check_policy_service"] and signs.is_our_endpoint(element):
            rest.pop()
        else:
            rest.append(element)
    return rest


def _in_force(main: bytes, options: Sequence[Option], ours: Option) -> str:
    """Return the value the service would have without *ours*."""
    before = [option.value for option in options if option.name == ours.name and option.end <= ours.start]
    return _text(before[-1] if before else main_cf.value(main, ours.name) or b"")


def _neighbours(options: Sequence[Option], ours: Collection[Option]) -> list[Option]:
    """Return the plain options that stand in one run with *ours*."""
    found: list[Option] = []
    for sequence in (options, options[::-1]):
        in_run = False
        for option in sequence:
            plain = _PLAIN_OPTIONS.get(_text(option.name)) == _text(option.value)
            in_run = option in ours or (in_run and plain)
            if in_run and plain:
                found.append(option)
    return found


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")
