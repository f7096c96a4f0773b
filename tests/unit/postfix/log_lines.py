"""Lines as Postfix writes them, for tests of what reads them."""

from datetime import UTC, datetime

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.deliveries.delivery_tracker import DeliveryTracker

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RELAY = "mail.woodgrovebank.test[198.51.100.20]:25"
SECOND = "mx2.woodgrovebank.test[198.51.100.21]:25"
CIPHER = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519"
SERVER = " server-signature ECDSA (prime256v1) server-digest SHA256"
SIGNED = f"{SERVER} client-signature ECDSA (prime256v1) client-digest SHA256"
LISTED = DomainList.of("woodgrovebank.test", "*.fabrikam.test")


class Log:
    """A log that grows a line at a time, a second apart where nothing else is said."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.second = 0

    def line(self, text: str, *, pid: int = 687, program: str = "domain-secure/smtp") -> None:
        """Add a line of a process."""
        clock = f"{10 + self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}"
        self.lines.append(f"2026-11-25T{clock}+00:00 mail postfix/{program}[{pid}]: {text}".encode())

    def tls(
        self, trust: str = "Verified", relay: str = RELAY, *, signed: bool = True, pid: int = 687
    ) -> None:
        """Add the summary of a TLS session."""
        self.line(
            f"{trust} TLS connection established to {relay}: {CIPHER}{SIGNED if signed else SERVER}", pid=pid
        )

    def status(
        self,
        queue_id: str = "10B773D",
        to: str = "admin@woodgrovebank.test",
        *,
        relay: str = RELAY,
        status: str = "sent (250 2.0.0 Ok: queued as 1)",
        delays: str = "0.01/0.01/0.03/0.01",
        delay: str = "0.05",
        tls: str = "",
        dsn: str = "2.0.0",
        pid: int = 687,
        program: str = "domain-secure/smtp",
    ) -> None:
        """Add a status line."""
        level = f"tls={tls}, " if tls else ""
        self.line(
            f"{queue_id}: to=<{to}>, relay={relay}, delay={delay}, delays={delays}, {level}dsn={dsn}, "
            f"status={status}",
            pid=pid,
            program=program,
        )

    def deferred(self, text: str, to: str = "admin@woodgrovebank.test", **more: str) -> None:
        """Add the status line of a session that failed for good."""
        self.status(to=to, status=f"deferred ({text})", dsn="4.7.5", **more)  # type: ignore[arg-type]

    def removed(self, queue_id: str = "10B773D") -> None:
        """Add the end of a message."""
        self.line(f"{queue_id}: removed", pid=662, program="qmgr")


def listed(domain: str) -> tuple[Domain, Entry] | None:
    """Find a domain on the list of these tests."""
    try:
        parsed = parse_domain(domain)
    except InvalidDomainError:
        return None
    entry = LISTED.match(parsed)
    return (parsed, entry) if entry else None


def tracker() -> DeliveryTracker:
    """Return a tracker that has read the log from long before these lines."""
    made = DeliveryTracker(listed, lambda _: FailureReason.DANE, ("postfix",))
    made.feed(
        [b"2026-11-25T09:00:00+00:00 mail postfix/smtp[1]: Host offered STARTTLS: [mail.other.test]"], NOW
    )
    return made
