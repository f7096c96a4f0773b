"""A made-up fortnight with three partners, for reports."""

from datetime import UTC, datetime, timedelta

from domain_secure.policy.certificates.certificate import Certificate, read_certificates
from domain_secure.policy.history.history import HourlyCount, Latest, Sighting
from domain_secure.policy.history.partner_report import Material, Report, report_of
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from lab.certificates import Authority

MADE = datetime(2026, 11, 25, 20, tzinfo=UTC)
SINCE = MADE - timedelta(days=14)
WOODGROVE, FABRIKAM, NORTHWIND = map(Entry, ("woodgrovebank.test", "*.fabrikam.test", "northwind.test"))
RECEIVE, SEND = Direction.RECEIVE, Direction.SEND


def count(
    entry: Entry = WOODGROVE,
    outcome: str = "pass",
    effect: str = "accept",
    *,
    number: int = 1,
    hours: int = 1,
    method: str = "",
    tls: str = "TLSv1.3",
    direction: Direction = RECEIVE,
) -> HourlyCount:
    """Return what was counted so many hours before the report was made."""
    hour = (MADE - timedelta(hours=hours)).replace(minute=0)
    return HourlyCount(hour, direction, entry, outcome, effect, method, tls, number)


def sent(entry: Entry = WOODGROVE, method: str = "mutual", *, number: int = 1, hours: int = 1) -> HourlyCount:
    """Return what was counted of deliveries."""
    return count(entry, "sent", "sent", number=number, hours=hours, method=method, direction=SEND)


def sighting(
    name: str | None, digest: str, *, first: int, last: int = 0, passed: int = 0, failed: int = 0
) -> Sighting:
    """Return a certificate seen from *first* to *last* days before the report was made."""
    certificate = _certificate(name) if name else None
    return Sighting(
        RECEIVE,
        WOODGROVE,
        certificate.certificate_pin if certificate else Pin.certificate(digest * 32),
        MADE - timedelta(days=first),
        MADE - timedelta(days=last),
        passed,
        failed,
        certificate,
    )


def _certificate(name: str) -> Certificate:
    issued = _AUTHORITY.issue(name, dns_names=(name, "smtp." + name.split(".", 1)[1]))
    return read_certificates(issued.certificate_pem)[0]


_AUTHORITY = Authority.create("Laboratory Authority")


def fortnight() -> tuple[HourlyCount, ...]:
    """Return counts that rise and fall as mail does."""
    found: list[HourlyCount] = []
    for day in range(14):
        hours = day * 24 + 6
        busy = 3 if (MADE - timedelta(hours=hours)).weekday() >= 5 else 10 + (day * 7) % 9
        found += [
            count(number=busy * 4, hours=hours, method="pkix"),
            count(number=busy, hours=hours, method="pin", tls="TLSv1.2"),
            sent(number=busy * 3, hours=hours),
            sent(method="verified", number=busy, hours=hours),
            count(FABRIKAM, "no-tls", "accept", number=1 + day % 3, hours=hours, tls=""),
            count(FABRIKAM, number=busy // 2, hours=hours, method="pkix"),
            sent(NORTHWIND, number=busy // 3, hours=hours),
        ]
        if day in {2, 3}:
            found += [
                count(outcome="unknown-certificate", effect="defer", number=7 - day, hours=hours),
                count(outcome="name-mismatch", effect="reject", number=day * 3, hours=hours),
                count(NORTHWIND, "expired", "failed", number=6, hours=hours, direction=SEND),
            ]
    found.append(count(outcome="no-certificate", effect="reject", number=2, hours=200))
    return tuple(found)


def material(*, kept_since: datetime | None = None) -> Material:
    """Return the material of the whole story."""
    return Material(
        counts=fortnight(),
        sightings=(
            sighting("mail.woodgrovebank.test", "aa", first=300, last=4, passed=5120, failed=3),
            sighting("mail2.woodgrovebank.test", "bb", first=5, passed=320),
            sighting(None, "cc", first=3, last=3, failed=11),
        ),
        latest=(
            Latest(RECEIVE, WOODGROVE, True, MADE - timedelta(minutes=4), "pass", "fine", "Q1"),
            Latest(
                RECEIVE,
                WOODGROVE,
                False,
                MADE - timedelta(days=3),
                "name-mismatch",
                "certificate is for evil.test; mail from this domain needs one for woodgrovebank.test",
                "Q2",
            ),
            Latest(
                SEND, NORTHWIND, False, MADE - timedelta(days=3), "expired", "certificate has expired", "Q3"
            ),
        ),
        kept_since=kept_since,
    )


def report(given: Material | None = None, *, since: datetime = SINCE) -> Report:
    """Return the report of the fortnight."""
    return report_of(given or material(), since, MADE, MADE, "mx1.contoso.test")
