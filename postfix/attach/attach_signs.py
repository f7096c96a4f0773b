"""What attach leaves in Postfix's files, and by what it is known again.

Owns: the names, and the question what of an option or a list is ours.
Must not know: what goes in (``inbound_settings``, ``outbound_settings``), how it comes out (``halves``).
Invariant: it works on the content alone, without the record, and on content that has nothing of ours.

An editing program may join the lines of a service, move comments or bring settings into another order
(postconf(1) does all three), so that nothing is known by its place, but by what it says:

============================  =====================================================================
in main.cf
============================  =====================================================================
an element of a table list    is ours where it names one of our tables (`Signs.tables`)
----------------------------  ---------------------------------------------------------------------
in master.cf
----------------------------  ---------------------------------------------------------------------
a service                     is ours by its name: one of three, or one that takes marks off
smtpd_milters                 holds ours where an element names the daemon (`Signs.endpoints`)
smtpd_data_restrictions       holds ours where a check_policy_service asks it (`Signs.endpoints`)
smtpd_restriction_classes     holds ours where an element is our class
domain_secure_when_down       is ours
any list of restrictions      holds ours where it begins with our look-up that finds nothing
relay_clientcerts             is ours where it is that look-up
milter_*_macros               is ours where it has our macro, which nobody else knows
cleanup_service_name          is ours where it names a service of ours
receive_override_options      is ours where it begins with a comma, which says nothing to Postfix
smtpd_tls_ask_ccert,          are ours where they say what we write, and stand in one run with one
smtpd_tls_fingerprint_digest, of the options above
smtpd_forbid_bare_newline
============================  =====================================================================

Comments are known word for word.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.instance.endpoints import milter_listener, policy_listener
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.master_cf import Option
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import Table, table_path

from .client_certificates import (
    ASLEEP_MACRO,
    ASLEEP_TABLE,
    CHECK_BY_ADDRESS,
    CHECK_BY_CLIENT,
    LISTED_FINGERPRINTS,
    MACRO_PARAMETERS,
)

CLEANUP_SERVICE = "domain-secure-cleanup"
UNMARKED_SERVICE = "domain-secure-unmarked"  #: with a number behind it where there are several
TLS_MANAGER_SERVICE = "domain-secure-tls"
WHEN_DOWN_CLASS = "domain_secure_when_down"
INBOUND_COMMENT = b"# domain-secure attach: receiving; domain-secure detach removes it."
OUTBOUND_COMMENT = b"# domain-secure attach: sending; domain-secure detach removes it."
#: By what parameter Postfix is told of which tables, in the order in which it is to ask them.
TABLE_PARAMETERS = {
    "smtp_tls_policy_maps": (Table.TLS_POLICY,),
    "transport_maps": (Table.RECIPIENT_TRANSPORT, Table.TRANSPORT),
    "virtual_alias_maps": (Table.RECIPIENT_SPELLING,),
}

_UNMARKED = re.compile(rf"{UNMARKED_SERVICE}(?:-\d+)?")
_DEFAULT_ENDPOINTS = frozenset({"unix:domain-secure/milter", "unix:domain-secure/policy"})
# What is written without anything in the value that could be nobody else's.
_PLAIN_OPTIONS = {
    "smtpd_tls_ask_ccert": "yes",
    "smtpd_tls_fingerprint_digest": "sha256",
    "smtpd_forbid_bare_newline": "yes",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What this installation wrote, now or before, into values that others write too."""

    endpoints: frozenset[str] = frozenset()  #: of milter and policy service, as Postfix's settings name them
    tables: frozenset[str] = frozenset()  #: paths of the source texts
    values: frozenset[str] = frozenset()  #: whole lists, with what others had in them; see `normal`

    @classmethod
    def of(cls, configuration: Configuration, instance: PostfixInstance) -> "Signs":
        """Return the signs of an installation, with every form in which Postfix may name the listeners."""
        queue = instance.queue_directory
        endpoints = set(_DEFAULT_ENDPOINTS)
        for address in (milter_listener(configuration, queue), policy_listener(configuration, queue)):
            endpoints.add(str(address))
            if address.path is not None and address.path.is_relative_to(queue):
                endpoints.add(f"unix:{address.path.relative_to(queue)}")
        tables = frozenset(str(table_path(configuration.state, table)) for table in Table)
        return cls(frozenset(endpoints), tables)

    def __or__(self, other: "Signs") -> "Signs":
        """Return the signs of both."""
        return Signs(self.endpoints | other.endpoints, self.tables | other.tables, self.values | other.values)

    def is_our_table(self, element: bytes) -> bool:
        """Tell whether an element of a list of tables is one of ours."""
        return text(element).partition(":")[2] in self.tables

    def is_our_list(self, option: Option) -> bool:
        """Tell whether an option is a whole list that we wrote, from end to end."""
        return normal(text(option.value)) in self.values

    def others_in(self, option: Option) -> list[str] | None:
        """Return what an option of ours holds of others, often nothing; None when it is not ours."""
        name, elements = text(option.name), split_elements(text(option.value))
        if name == WHEN_DOWN_CLASS:
            return []
        if name in MACRO_PARAMETERS and ASLEEP_MACRO in elements:
            return []
        if is_unmarking(option):
            return []
        if name == LISTED_FINGERPRINTS and ASLEEP_TABLE in elements:
            return [element for element in elements if element != ASLEEP_TABLE]
        match name:
            case "smtpd_milters":
                others = [element for element in elements if not self._is_our_endpoint(element)]
            case "smtpd_data_restrictions":
                others = self._other_restrictions(elements)
            case "smtpd_restriction_classes":
                others = [element for element in elements if element != WHEN_DOWN_CLASS]
            case "cleanup_service_name":
                others = [] if elements == [CLEANUP_SERVICE] else elements
            case _:
                others = elements
        others = _without_sleep(others)
        return None if others == elements else others

    def _other_restrictions(self, elements: Sequence[str]) -> list[str]:
        others: list[str] = []
        for element in elements:
            if others[-1:] == ["check_policy_service"] and self._is_our_endpoint(element):
                others.pop()
            else:
                others.append(element)
        return others

    def _is_our_endpoint(self, element: str) -> bool:
        """Tell whether an element of a list of milters, or the argument of check_policy_service, is ours."""
        return next(iter(split_elements(element.strip("{ }"))), "") in self.endpoints


def _without_sleep(elements: Sequence[str]) -> list[str]:
    """Return a list of restrictions without the look-up that marks one that is kept asleep."""
    others: list[str] = []
    for element in elements:
        if (
            element == ASLEEP_TABLE
            and others[-1:]
            and others[-1] in {CHECK_BY_CLIENT, *CHECK_BY_ADDRESS.values()}
        ):
            others.pop()
        else:
            others.append(element)
    return others


def is_unmarking_service(name: str) -> bool:
    """Tell whether a service is a cleanup(8) of ours that takes marks off."""
    return _UNMARKED.fullmatch(name) is not None


def is_unmarking(option: Option) -> bool:
    """Tell whether an option is ours and leads mail to a cleanup(8) that takes marks off."""
    name, value = text(option.name), text(option.value)
    if name == "receive_override_options":
        return value.startswith(",")
    return name == "cleanup_service_name" and is_unmarking_service(value)


def plain_options(options: Sequence[Option], ours: Collection[Option]) -> list[Option]:
    """Return the options without a sign of their own that stand in one run with *ours*, behind or before.

    One of each name: a second was there before us.
    """
    found: dict[bytes, Option] = {}
    for sequence in (options, options[::-1]):
        in_run = False
        for option in sequence:
            plain = _PLAIN_OPTIONS.get(text(option.name)) == text(option.value)
            in_run = option in ours or (in_run and plain)
            if in_run and plain:
                found.setdefault(option.name, option)
    return list(found.values())


def normal(value: str) -> str:
    """Return a list in the form in which two are compared."""
    return ", ".join(split_elements(value))


def text(value: bytes) -> str:
    """Return what a file says as text, whatever its encoding."""
    return value.decode(errors="surrogateescape")
