"""What sleeps in a service of smtpd(8) while it asks no client for a certificate, and is kept asleep.

Owns: which settings act on client certificates, what is left of each without that, and what cannot be seen.
Must not know: files, and what else attach writes.
A list that is kept asleep begins with a look-up that finds nothing, by which it is known for ours.
Sources: postconf(5), access(5), RESTRICTION_CLASS_README, MILTER_README, SMTPD_POLICY_README, and Postfix's
src/smtpd/smtpd_check.c: names of restrictions are compared without regard to case, those of classes with it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service

from .access_tables import AccessTables

RESTRICTION_PARAMETERS = tuple(
    f"smtpd_{stage}_restrictions"
    for stage in ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data", "etrn")
)
REWRITE_CLIENTS = "local_header_rewrite_clients"
LISTED_FINGERPRINTS = "relay_clientcerts"
MACRO_PARAMETERS = tuple(
    f"milter_{stage}_macros"
    for stage in (
        "connect",
        "helo",
        "mail",
        "rcpt",
        "data",
        "end_of_header",
        "end_of_data",
        "unknown_command",
    )
)
ASLEEP_TABLE = "inline:{domain-secure=DUNNO}"  #: of a key that no client is
ASLEEP_MACRO = "{domain_secure}"  #: one that Postfix does not know, and so never sends
CHECK_BY_ADDRESS = {REWRITE_CLIENTS: "check_address_map"}
CHECK_BY_CLIENT = "check_client_access"

_PERMIT_LISTED = "permit_tls_clientcerts"
_PERMIT_TRUSTED = "permit_tls_all_clientcerts"
_CHECK = "check_ccert_access"
# Wherever they stand: without relay_clientcerts, the first of these permits nobody.
_HIDDEN = frozenset({_PERMIT_TRUSTED, _CHECK})
_POLICY_SERVICE = "check_policy_service"
_WARN = "warn_if_reject"
_MACROS = frozenset({"{cert_subject}", "{cert_issuer}", "cert_subject", "cert_issuer"})
_POLICY_DEFAULT = "smtpd_policy_service_default_action"
_ASKING = (
    "smtpd_tls_ask_ccert",
    "smtpd_tls_req_ccert",
    "smtpd_tls_security_level",
    "smtpd_enforce_tls",
    "smtpd_tls_wrappermode",
)
_ANCHORS = ("smtpd_tls_CAfile", "smtpd_tls_CApath")


class AwakenedError(Problem):
    """Something acts on client certificates, slept so far, and cannot be kept asleep."""


@dataclass(frozen=True, slots=True)
class Asleep:
    """What slept in one service, and goes on sleeping."""

    options: Mapping[str, str] = field(default_factory=dict)  #: what keeps it asleep, by parameter
    slept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: what was taken out, by parameter
    unseen: tuple[str, ...] = ()  #: what may act on client certificates, and cannot be looked into


def keep_asleep(instance: PostfixInstance, service: Service) -> Asleep:
    """Return what *service* needs so that asking for certificates changes nothing for anybody's mail.

    *instance* has nothing of ours in it.  Where certificates are asked for already, nothing sleeps.
    Raises AwakenedError for what acts on certificates in a place that no option of the service reaches.
    """
    if asks_for_certificates(instance.service_parameters(service, *_ASKING)):
        return Asleep()
    names = list_parameters(instance, service)
    expanded = instance.service_parameters(service, *names)
    slept = {name: found for name in names if (found := acting(expanded.get(name, "")))}
    options = _lists_asleep(instance, service, expanded, slept)
    others = instance.service_parameters(
        service, LISTED_FINGERPRINTS, _POLICY_DEFAULT, "smtpd_milters", *_ANCHORS, *MACRO_PARAMETERS
    )
    if listed := others[LISTED_FINGERPRINTS].strip():
        options[LISTED_FINGERPRINTS] = ASLEEP_TABLE
        slept[LISTED_FINGERPRINTS] = (listed,)
    trusts = any(others[name].strip() for name in _ANCHORS)
    milters = split_elements(others["smtpd_milters"])
    if milters and trusts:
        for name in MACRO_PARAMETERS:
            macros = split_elements(others.get(name, ""))
            if shown := tuple(macro for macro in macros if macro in _MACROS):
                options[name] = " ".join([*without_certificate_macros(macros), ASLEEP_MACRO])
                slept[name] = shown
    tables = AccessTables.named_in(
        {
            name: ", ".join(without_acting(value))
            for name, value in expanded.items()
            if name != REWRITE_CLIENTS
        }
    )
    _refuse_hidden(service, {**expanded, _POLICY_DEFAULT: others[_POLICY_DEFAULT]})
    mentions = tables.mentions(instance, _HIDDEN)
    if mentions:
        raise _awakened(service, mentions[0])
    unseen = [f"{element} (policy service)" for element in _policy_services(expanded.values())]
    if trusts:
        unseen += [f"{table} (access table)" for table in tables.unseen(instance)]
        unseen += [f"{milter} (milter)" for milter in milters]
    return Asleep(options, slept, tuple(dict.fromkeys(unseen)))


def asks_for_certificates(values: Mapping[str, str]) -> bool:
    """Tell from the effective values of a service whether it asks clients for certificates."""

    def is_on(name: str) -> bool:
        return values.get(name, "").lower() == "yes"

    # postconf(5): smtpd_tls_req_ccert is ignored unless every client must use TLS.
    demands = values.get("smtpd_tls_security_level", "") == "encrypt" or any(
        map(is_on, ("smtpd_enforce_tls", "smtpd_tls_wrappermode"))
    )
    return is_on("smtpd_tls_ask_ccert") or (is_on("smtpd_tls_req_ccert") and demands)


def list_parameters(instance: PostfixInstance, service: Service) -> tuple[str, ...]:
    """Return the parameters of *service* that are lists of restrictions, its classes among them."""
    classes = split_elements(instance.service_parameter(service, "smtpd_restriction_classes"))
    return tuple(dict.fromkeys((*RESTRICTION_PARAMETERS, REWRITE_CLIENTS, *classes)))


def acting(value: str) -> tuple[str, ...]:
    """Return what of a list of restrictions acts on client certificates."""
    return _parted(value)[1]


def without_acting(value: str) -> list[str]:
    """Return the elements of a list of restrictions but those that act on client certificates."""
    return _parted(value)[0]


def without_certificate_macros(macros: Sequence[str]) -> list[str]:
    """Return the macros of a milter but those that tell of a client's certificate."""
    return [macro for macro in macros if macro not in _MACROS]


def awake(instance: PostfixInstance, service: Service, asleep: Asleep) -> dict[str, tuple[str, ...]]:
    """Return what of *asleep* would act on client certificates in *service* as it is, by parameter."""
    values = instance.service_parameters(service, *_ASKING, *asleep.slept)
    if not asks_for_certificates(values):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name in asleep.slept:
        value = values.get(name, "")
        if name in MACRO_PARAMETERS:
            now = tuple(macro for macro in split_elements(value) if macro in _MACROS)
        elif name == LISTED_FINGERPRINTS:
            now = tuple(table for table in split_elements(value) if table != ASLEEP_TABLE)
        else:
            now = acting(value)
        if now:
            found[name] = now
    return found


def _parted(value: str) -> tuple[list[str], tuple[str, ...]]:
    kept: list[str] = []
    found: list[str] = []
    prefix: list[str] = []  # of warn_if_reject, which is about the next restriction alone
    elements = iter(split_elements(value))
    for element in elements:
        folded = element.lower()
        if folded == _WARN:
            prefix.append(element)
            continue
        if folded in {_PERMIT_LISTED, _PERMIT_TRUSTED}:
            found.append(element)
        elif folded == _CHECK:
            found.append(" ".join([element, next(elements, "")]).strip())
        else:
            kept += [*prefix, element]
        prefix = []
    return [*kept, *prefix], tuple(found)


def _lists_asleep(
    instance: PostfixInstance, service: Service, expanded: Mapping[str, str], names: Iterable[str]
) -> dict[str, str]:
    """Return each list without what acts on certificates, as it is written where that is enough."""
    written = {name: without_acting(instance.service_unexpanded(service, name)) for name in names}
    if not written:
        return {}
    lists = {name: _listing(elements) for name, elements in written.items()}
    then = instance.service_parameters(replace(service, overrides={**service.overrides, **lists}), *lists)
    for name in lists:
        if acting(then.get(name, "")):
            # It stands in another parameter, which other services may use.
            lists[name] = _listing(without_acting(expanded[name])).replace("$", "$$")
    return {name: _asleep_list(name, rest) for name, rest in lists.items()}


def _listing(elements: Iterable[str]) -> str:
    """Return a list of restrictions as it is read best, the table of a look-up beside it."""
    text = former = ""
    for element in elements:
        text += ("" if not text else " " if former.lower().startswith("check_") else ", ") + element
        former = element
    return text


def _asleep_list(name: str, rest: str) -> str:
    mark = f"{CHECK_BY_ADDRESS.get(name, CHECK_BY_CLIENT)} {ASLEEP_TABLE}"
    return f"{mark}, {rest}" if rest else mark


def _refuse_hidden(service: Service, values: Mapping[str, str]) -> None:
    """Raise AwakenedError where what acts on certificates stands within another element."""
    for name, value in values.items():
        elements = split_elements(value) if name == _POLICY_DEFAULT else without_acting(value)
        for element in elements:
            words = {word.lower() for word in re.split(r"[\s,{}=]+", element)}
            if hidden := words & _HIDDEN:
                raise _awakened(service, f"{name} has {min(hidden)} in {element}")


def _awakened(service: Service, place: str) -> AwakenedError:
    return AwakenedError(
        "it would let clients in by their certificates, which are not asked for so far, and no option of the "
        "service can keep it from that",
        f"{service.key}: {place}",
        "take it out, or set smtpd_tls_ask_ccert = yes for this service if it is meant",
    )


def _policy_services(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        elements = iter(split_elements(value))
        for element in elements:
            if element.lower() == _POLICY_SERVICE and (argument := next(elements, "")):
                yield argument
