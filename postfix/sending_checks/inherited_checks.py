"""The doctor's questions about what the dedicated transport inherits from main.cf and from its original.

Must not know: which settings those are; that is ``inherited_settings``'s part.
What a finding of ``outbound_checks`` is about already is left to it.
Sources: postconf(5), smtp(8), and tls_set_ciphers() in Postfix's sources for how its cipher list is made.
"""

import re
import ssl
from collections.abc import Iterator, Mapping

from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.postfix.attach.attach_signs import normal
from domain_secure.postfix.attach.inherited_settings import (
    RULES,
    UNPROVEN_FAILURES,
    Decision,
    resets,
    rule_of,
)
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

OURS = f"{TRANSPORT_SERVICE}/unix"
ATTACH = "run domain-secure attach, which sets it on that service alone"

Values = Mapping[str, str]  #: by parameter, expanded

_TOLD_ELSEWHERE = frozenset(
    {
        "smtp_fallback_relay",
        "smtp_tls_fingerprint_digest",
        "smtp_tls_loglevel",
        "smtp_tls_security_level",
        "smtp_tls_session_cache_database",
        "tls_required_enable",
    }
)
_CIPHER_SETTINGS = ("tls_high_cipherlist", "smtp_tls_exclude_ciphers", "smtp_tls_mandatory_exclude_ciphers")
_WEAKEST = 112  #: bits; less is no protection (NIST SP 800-131A)
#: Options of OpenSSL that neither keep a server out nor let in what should not be (postconf(5)).
_HARMLESS_OPTIONS = frozenset(
    {
        "enable_middlebox_compat",
        "no_compression",
        "no_renegotiation",
        "no_session_resumption_on_renegotiation",
        "no_ticket",
        "prioritize_chacha",
    }
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_HOUR = 3600
_READ_BY_SMTP = re.compile(r"(?:smtp|tls)_.+")


def check_inherited(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts
) -> Iterator[Finding]:
    """Yield what the transport inherits that could defeat it; raises Problem when Postfix cannot be asked."""
    transport = facts.sender(TRANSPORT_SERVICE)
    if transport is None:
        return
    values = instance.service_parameters(transport.service)
    released = instance.defaults(expanded=True)
    yield from _check_resets(values, released)
    yield from _check_authorities(configuration, values)
    yield from _check_named(values, released)
    yield from _check_ciphers(values, released)
    yield from _check_amounts(values, _methods(configuration))
    yield from _check_unknown(values, released)


def _check_resets(values: Values, released: Values) -> Iterator[Finding]:
    """Yield what somebody set for all mail, or on the transport, against what attach writes there."""
    wanted = resets(released) | {"smtp_delivery_status_filter": UNPROVEN_FAILURES}
    for name, value in wanted.items():
        found = values.get(name, "")
        # What is as released is no danger: that attach would write it is what attach-outdated says.
        accepted = {normal(value.replace("$$", "$")), normal(released.get(name, ""))}
        if name not in _TOLD_ELSEWHERE and normal(found) not in accepted:
            yield Finding.error(
                "inherited-setting",
                f"mail for listed domains may be returned, kept or led elsewhere: {RULES[name].reason}",
                f"{OURS}: {name} = {found}",
                ATTACH,
            )


def _check_authorities(configuration: Configuration, values: Values) -> Iterator[Finding]:
    """Yield a finding where other authorities than ours vouch for partners' servers; none is `no-ca`."""
    found = values.get("smtp_tls_CAfile", "")
    if found and found != str(configuration.trust.ca_file):
        yield Finding.error(
            "inherited-setting",
            "other authorities than those of [trust] ca_file vouch for partners' servers",
            f"{OURS}: smtp_tls_CAfile = {found}; ca_file = {configuration.trust.ca_file}",
            ATTACH,
        )


def _check_named(values: Values, released: Values) -> Iterator[Finding]:
    """Yield what is not as released, and may keep mail that would be verified."""
    told = {"inet_protocols", "maximal_queue_lifetime", "smtp_host_lookup", "soft_bounce", *_CIPHER_SETTINGS}
    for name, rule in RULES.items():
        found = values.get(name, "")
        if (
            rule.decision is not Decision.NAME
            or name in told
            or normal(found) == normal(released.get(name, ""))
        ):
            continue
        if name == "tls_ssl_options" and {one.lower() for one in split_elements(found)} <= _HARMLESS_OPTIONS:
            continue
        yield Finding.note(
            "inherited-setting",
            f"mail for listed domains may wait for what others have set for all mail: {rule.reason}",
            f"{OURS}: {name} = {found}",
            f"see with domain-secure log show that it arrives, or run postconf -X {name}",
        )


def _check_ciphers(values: Values, released: Values) -> Iterator[Finding]:
    """Yield what is wrong with the ciphers that are left for TLS 1.2; those of TLS 1.3 are not chosen."""
    changed = [
        f"{name} = {values.get(name, '')}"
        for name in _CIPHER_SETTINGS
        if normal(values.get(name, "")) != normal(released.get(name, ""))
    ]
    if not changed:
        return
    proof = f"{OURS}: {'; '.join(changed)}"
    fix = "run postconf -X for what is named here, or allow what RFC 9325 recommends"
    excluded = [
        word for name in _CIPHER_SETTINGS[1:] for word in re.split(r"[\s,:]+", values.get(name, "")) if word
    ]
    if wrong := [word for word in excluded if word[0] in "!+-@"]:
        what = f"no TLS is possible, and mail for listed domains waits: {wrong[0]} cannot be excluded"
        yield Finding.error("inherited-setting", what, proof, fix)
        return
    # "secure" excludes those without a server's certificate by itself.
    chosen = ":!".join([values.get("tls_high_cipherlist", ""), *excluded, "aNULL"])
    ciphers = _ciphers(chosen)
    if not ciphers:
        yield Finding.error(
            "inherited-setting",
            "no cipher is left, and mail for listed domains waits",
            proof,
            fix,
        )
    elif weak := sorted(name for name, bits in ciphers.items() if bits < _WEAKEST):
        what = f"mail for listed domains may leave with {weak[0]}, which protects nothing"
        yield Finding.error("inherited-setting", what, proof, fix)
    else:
        yield Finding.note(
            "inherited-setting",
            "mail for listed domains waits where a server has no other cipher than the "
            f"{len(ciphers)} that are left for TLS 1.2",
            proof,
            fix,
        )


def _ciphers(chosen: str) -> dict[str, int]:
    """Return the ciphers below TLS 1.3 that OpenSSL makes of a list, with their strength in bits."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.set_ciphers(chosen)
    except ssl.SSLError:
        return {}
    return {
        cipher["name"]: cipher["strength_bits"]
        for cipher in context.get_ciphers()
        if cipher["protocol"] != "TLSv1.3"
    }


def _check_amounts(values: Values, methods: frozenset[SendMethod]) -> Iterator[Finding]:
    """Yield what depends on how much of a setting there is."""
    lifetime = values.get("maximal_queue_lifetime", "")
    if (seconds := _seconds(lifetime)) is not None and seconds < _HOUR:
        yield Finding.error(
            "inherited-setting",
            "what cannot leave verified is returned "
            + ("at once" if seconds == 0 else "within the hour")
            + ", and does not wait",
            f"main.cf: maximal_queue_lifetime = {lifetime}",
            "run postconf -X maximal_queue_lifetime",
        )
    if values.get("soft_bounce", "").lower() == "yes":
        yield Finding.note(
            "soft-bounce",
            f"for listed domains, {RULES['soft_bounce'].reason}",
            f"{OURS}: soft_bounce = yes",
            "run postconf -e soft_bounce=no when the trial is over",
        )
    protocols = {one.lower() for one in split_elements(values.get("inet_protocols", ""))}
    if not protocols & {"all", "ipv4"}:
        yield Finding.note(
            "inherited-setting",
            "mail for listed domains waits where a server has no other address than one of IPv4",
            f"{OURS}: inet_protocols = {values.get('inet_protocols', '')}",
            "run postconf -e inet_protocols=all",
        )
    lookup = {one.lower() for one in split_elements(values.get("smtp_host_lookup", ""))}
    if SendMethod.DANE in methods and "dns" not in lookup:
        yield Finding.error(
            "inherited-setting",
            'mail for partners with send_method = "dane" waits: their servers are not looked up in DNS',
            f"{OURS}: smtp_host_lookup = {values.get('smtp_host_lookup', '')}",
            'run postconf -e "smtp_host_lookup=dns, native"',
        )


def _check_unknown(values: Values, released: Values) -> Iterator[Finding]:
    """Yield the settings of a release that we do not know."""
    for name, value in released.items():
        found = values.get(name, value)
        if _READ_BY_SMTP.fullmatch(name) and rule_of(name) is None and normal(found) != normal(value):
            yield Finding.not_looked_at(
                f"what {name} does to mail for listed domains",
                f"{OURS}: {name} = {found}, which is newer than this domain-secure",
                "read about it in postconf(5), and update domain-secure",
            )


def _seconds(text: str) -> int | None:
    """Return a time as postconf(5) writes it, where a number alone counts days as it does for a lifetime."""
    found = re.fullmatch(r"(\d+)([smhdw]?)", text.strip())
    return None if found is None else int(found[1]) * _SECONDS[found[2] or "d"]


def _methods(configuration: Configuration) -> frozenset[SendMethod]:
    return frozenset(configuration.partner(entry).send_method for entry in configuration.send)
