"""The doctor's questions about the reflector: does Postfix take letters to it, and will answers leave?

Asked of the smtpd that runs, in a session that ends before any message: only that one knows all of its
tables, restrictions and policy services.
Owns: that session.  Must not know: who is answered.
Sources: RFC 5321; ADDRESS_CLASS_README; postconf(5) mynetworks, smtpd_relay_restrictions.
"""

import smtplib
import socket
from collections.abc import Iterator
from typing import NamedTuple

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.mailbox import Mailbox
from domain_secure.policy.terms.proxy_protocol import header_of
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.lookups import name_and_parents
from domain_secure.postfix.instance.own_listener import OwnListener, own_listener
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.routing import domain_elements

# postscreen(8) has a client wait before it may speak.
_SECONDS = 15.0
_ELSEWHERE = "postmaster@reflector.invalid"  #: RFC 2606: nobody's
_RELAY_REFUSED = "elay access denied"
_CLASSES = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")


class _Answers(NamedTuple):
    to_us: tuple[int, str]
    elsewhere: tuple[int, str]


def check_reflector(configuration: Configuration, instance: PostfixInstance) -> Iterator[Finding]:
    """Yield what keeps letters from the reflector, or answers from their authors; raises Problem."""
    address = configuration.reflector.address
    if address is None:
        return
    place = f"{configuration.path}: reflector.address = {address}"
    if configuration.receive.match(Mailbox.parse(address).domain) is not None:
        yield Finding.error(
            "reflector-listed",
            "the reflector's own domain is on the receive list, so that its answers would be refused here",
            place,
            "take that domain off the receive list: it is not a partner's",
        )
    yield from _check_domain(address, instance, place)
    listener = own_listener(instance)
    if listener is None:
        yield _not_asked(place, "Postfix has no smtpd on port 25")
        return
    try:
        answers = _asked(listener, address)
    except (OSError, smtplib.SMTPException) as error:
        yield _not_asked(place, f"{listener}: {error}")
        return
    yield from _judged(answers, listener, address, place)


def _check_domain(address: str, instance: PostfixInstance, place: str) -> Iterator[Finding]:
    """Yield a finding where no class of this Postfix has the domain: strangers would be refused then."""
    domain = Mailbox.parse(address).domain
    for parameter, value in instance.parameters(*_CLASSES).items():
        # Of these alone Postfix may take subdomains as well (parent_domain_matches_subdomains).
        names = name_and_parents(domain, dotted=False) if parameter == "relay_domains" else [domain]
        for element in domain_elements(value):
            if element.startswith("!"):
                continue
            is_table = ":" in element
            if instance.query(element, names) if is_table else element.lower() in names:
                return
    yield Finding.error(
        "reflector-not-local",
        f"{domain} is no domain that this Postfix takes mail for: letters to the reflector are refused",
        place,
        f"name an address of a domain in {' or '.join(_CLASSES[:3])}",
    )


def _judged(answers: _Answers, listener: OwnListener, address: str, place: str) -> Iterator[Finding]:
    code, text = answers.to_us
    if code >= 500:
        yield Finding.error(
            "reflector-refused",
            "Postfix refuses letters to the reflector",
            f"{listener}: RCPT TO:<{address}> is answered {code} {text}",
            f"let {address} be a mailbox or an alias, as of postmaster",
        )
    elif code >= 400:
        yield _not_asked(place, f"{listener}: RCPT TO:<{address}> is answered {code} {text}")
    code, text = answers.elsewhere
    if _RELAY_REFUSED in text:
        yield Finding.error(
            "reflector-cannot-answer",
            "Postfix relays nothing for this machine, so that no answer of the reflector leaves",
            f"{listener}: RCPT TO:<{_ELSEWHERE}> is answered {code} {text}",
            f"add {listener.address} to mynetworks, and keep permit_mynetworks in smtpd_relay_restrictions",
        )


def _not_asked(place: str, why: str) -> Finding:
    return Finding.not_looked_at(
        "whether Postfix takes letters to the reflector", f"{place}: {why}", "run check again once it answers"
    )


def _asked(listener: OwnListener, address: str) -> _Answers:
    """Return how the smtpd that runs answers to two recipients; raises OSError and SMTPException."""
    with _Client(listener) as client:
        client.ehlo()
        client.mail("")
        to_us, elsewhere = client.rcpt(address), client.rcpt(_ELSEWHERE)
        client.rset()
    return _Answers(_text(to_us), _text(elsewhere))


def _text(answer: tuple[int, bytes]) -> tuple[int, str]:
    code, octets = answer
    return code, octets.decode("ascii", "replace")[:200]


class _Client(smtplib.SMTP):
    """A session with our own smtpd, in which it is told whose it is where it wants to be told."""

    def __init__(self, listener: OwnListener) -> None:
        self._listener = listener
        super().__init__(listener.address, listener.port, local_hostname="check.invalid", timeout=_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        if self._listener.is_behind_proxy:
            try:
                connection.sendall(header_of(connection))
            except BaseException:
                connection.close()
                raise
        return connection
