"""Milter macros as facts.

Owns: which macros are asked for at which stage, and how their values read.
Source: Postfix MILTER_README, "Macro list"; a macro that Postfix does not know the value of is not sent.
"""

from collections.abc import Callable
from typing import NamedTuple

from .delegation import Key

# Asked for at MAIL, because there they arrive for every message of a session, also after STARTTLS without
# a second EHLO; at the end of the message they are gone.
MAIL_MACROS = (
    "{tls_version} {cipher} {cert_subject} {cert_issuer} {client_addr} {client_port}"
    " {daemon_addr} {daemon_port} {auth_type} {auth_authen} {mail_addr} j"
)
END_OF_MESSAGE_MACROS = "i"


class MilterFacts(NamedTuple):
    """What the macros of one MAIL event say; None where Postfix said nothing."""

    client_address: str
    client_port: str
    tls_version: str | None
    cipher: str | None
    cert_subject: str | None
    cert_issuer: str | None
    authenticated: bool  #: the client logged in with SASL
    mail_addr: str  #: the sender as Postfix resolved it; empty for the null sender
    myhostname: str
    server_address: str = ""  #: at which the client found us; a proxy may have told it
    server_port: str = ""

    def key(self, queue_id: str) -> Key:
        """Return what a message has in common with the delegation request of the same one."""
        return self.server_address, self.server_port, self.client_address, self.client_port, queue_id


def read_mail_macros(macro: Callable[[str], str | None]) -> MilterFacts:
    """Return the facts at MAIL; *macro* gives a macro's value or None."""
    return MilterFacts(
        # Sendmail's spelling of an IPv6 address, which policy delegation does not use.
        client_address=(macro("{client_addr}") or "").removeprefix("IPv6:"),
        client_port=macro("{client_port}") or "",
        tls_version=macro("{tls_version}") or None,
        cipher=macro("{cipher}") or None,
        cert_subject=macro("{cert_subject}") or None,
        cert_issuer=macro("{cert_issuer}") or None,
        authenticated=bool(macro("{auth_type}") or macro("{auth_authen}")),
        mail_addr=macro("{mail_addr}") or "",
        myhostname=macro("j") or "",
        server_address=(macro("{daemon_addr}") or "").removeprefix("IPv6:"),
        server_port=macro("{daemon_port}") or "",
    )
