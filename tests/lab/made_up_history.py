"""Three months of mail with made-up partners, for those who look at what is shown of it.

Owns: what happened to whom.  The numbers follow from the names alone, so that two runs look alike.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate, read_certificates
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.record.history_item import Count, HistoryItem
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from .certificates import DAY, Authority

DAYS = 90
_NAMES = (
    *("northwind", "litware", "contoso-bank", "adatum", "proseware"),
    *("tailspin", "wingtip", "lucerne", "margie", "relecloud"),
)
_DETAILS = {
    "pass": "certificate for mail.{}",
    "no-tls": "mail from this domain must arrive over TLS with a client certificate",
    "expired": "certificate is out of date: valid until 2026-11-20",
    "no-certificate": "no client certificate was presented; mail from this domain needs one for {}",
}
_ACCEPTED = {"pass", "no-certificate"}
_STRANGER = ("203.0.113.66", None)


@dataclass(frozen=True)
class Story:
    """What is going on: which partners there are, and what happens to the first ones."""

    partners: int = 3
    attacked: bool = False  #: strangers write in the name of the first one
    refused: bool = False  #: the second one came with an expired certificate
    troubled: bool = False  #: the third one is let in unproved, and mail to it was returned


def names(story: Story) -> tuple[Entry, ...]:
    """Return the partners."""
    numbers = (divmod(number, len(_NAMES)) for number in range(story.partners))
    return tuple(Entry(f"{_NAMES[place]}{turn or ''}.test") for turn, place in numbers)


def write_history(folder: Path, story: Story, now: datetime) -> Authority:
    """Write it; return the authority of the partners' certificates."""
    authority = Authority.create("Made-up Authority", not_before=now - 900 * DAY, not_after=now + 900 * DAY)
    writer = HistoryWriter(folder / FILE_NAME)
    for number, name in enumerate(names(story)):
        end = now + (200 + number) * DAY
        issued = authority.issue(name, dns_names=[f"mail.{name}"], not_before=end - 365 * DAY, not_after=end)
        certificate = read_certificates(issued.certificate_pem)[0]
        items = [
            *_received_lately(number, name, story, now, certificate),
            *_sent_lately(number, name, story, now),
        ]
        writer.write(sorted(items, key=lambda item: item.time))
    writer.close()
    last = int(now.timestamp()) // 3600 * 3600
    with closing(sqlite3.connect(folder / FILE_NAME)) as file, file:
        for number, name in enumerate(names(story)):
            file.executemany(
                "INSERT OR IGNORE INTO hourly VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _hours(number, name, last)
            )
    return authority


def _received_lately(
    number: int, name: Entry, story: Story, now: datetime, certificate: Certificate
) -> list[HistoryItem]:
    theirs = f"192.0.2.{number % 250 + 1}", certificate
    found = [_received(now - timedelta(hours=3 * (number % 5 + 1)), name, "pass", theirs)]
    if story.attacked and number == 0:
        found += [
            _received(now - timedelta(minutes=3 * one), name, "no-tls", _STRANGER, Attribution.STRANGER)
            for one in range(40)
        ]
    if story.refused and number == 1:
        found += [
            _received(now - timedelta(minutes=one), name, "expired", theirs, Attribution.PARTNER)
            for one in (50, 20)
        ]
    if story.troubled and number == 2:
        time, client = now - timedelta(minutes=50), (theirs[0], None)
        found.append(_received(time, name, "no-certificate", client, Attribution.PARTNER))
    return found


def _sent_lately(number: int, name: Entry, story: Story, now: datetime) -> list[HistoryItem]:
    if story.troubled and number == 2:
        failed = Count(name, "untrusted", "failed", False, detail="Server certificate not trusted")
        bounced = Count(name, "bounced", "bounced", None, detail="mail for it waited too long")
        return [
            _sent(now - timedelta(hours=9), "session-failure", failed),
            _sent(now - timedelta(hours=4), "delivery", bounced),
        ]
    count = Count(name, "sent", "sent", True, "mutual", "TLSv1.3", "250 2.0.0 Ok")
    return [_sent(now - timedelta(hours=number % 7 + 1), "delivery", count)]


def _received(
    time: datetime,
    name: Entry,
    outcome: str,
    client: tuple[str, Certificate | None],
    whose: Attribution | None = None,
) -> HistoryItem:
    address, certificate = client
    count = Count(
        name,
        outcome,
        "accept" if outcome in _ACCEPTED else "reject",
        outcome == "pass",
        "pkix" if outcome == "pass" else "",
        "" if outcome == "no-tls" else "TLSv1.3",
        _DETAILS[outcome].format(name),
        certificate.certificate_pin if certificate else None,
        whose,
        address,
    )
    document = {"kind": "decision", "findings": [{"domain": name, "detail": count.detail}]}
    return HistoryItem(
        time,
        Direction.RECEIVE,
        "decision",
        _queue_id(time),
        outcome,
        (count,),
        document,
        (certificate,) if certificate else (),
    )


def _sent(time: datetime, kind: str, count: Count) -> HistoryItem:
    document = {"kind": kind, "detail": count.detail}
    return HistoryItem(time, Direction.SEND, kind, _queue_id(time), count.outcome, (count,), document)


def _queue_id(time: datetime) -> str:
    return f"4F2C{int(time.timestamp()) % 65536:04X}"


def _hours(number: int, name: str, last: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for hour in range(last - DAYS * 24 * 3600, last, (3 if number < 10 else 12) * 3600):
        day, of_day = hour // 86400, hour // 3600 % 24
        if day % 7 in {2, 3} or not 5 <= of_day <= 19:  # a weekend, a night
            continue
        amount = 1 + (day * 7 + of_day * 3 + number * 11) % (40 if number < 10 else 6)
        rows.append((hour, "receive", name, "pass", "accept", "pkix", "TLSv1.3", amount))
        rows.append((hour, "send", name, "sent", "sent", "mutual", "TLSv1.3", 1 + amount // 2))
        if (day + number) % 29 == 0:
            rows.append((hour, "receive", name, "unknown-certificate", "defer", "", "TLSv1.3", 1))
            rows.append((hour, "send", name, "connection-lost", "failed", "", "", 2))
    return rows
