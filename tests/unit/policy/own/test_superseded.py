"""Which of our certificates are forgotten after a renewal, and which never."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.own.own_certificate import OwnCertificate
from domain_secure.policy.own.own_entries import Inventory
from domain_secure.policy.own.superseded import superseded

from lab.certificates import DAY, Authority
from unit.policy.own_files import now

NAME = "mail.contoso.test"
ROOT = Authority.create("Root")


def own(imported: datetime, *names: str, left: int = 60) -> OwnCertificate:
    """Return a certificate of ours."""
    end = now() + left * DAY
    issued = ROOT.issue(NAME, dns_names=names or (NAME,), not_before=end - 90 * DAY, not_after=end)
    return OwnCertificate(Path("/none"), (parse(issued.der),), "", exportable=True, imported=imported)


def gone(*every: OwnCertificate, in_use: OwnCertificate, kept: tuple[OwnCertificate, ...] = ()) -> set[str]:
    """Return what is forgotten of these."""
    inventory = Inventory(tuple(sorted(every, key=lambda one: one.imported, reverse=True)))
    spared = {one.sha256 for one in kept}
    return {one.sha256 for one in superseded(inventory, {in_use.sha256}, spared, now())}


def test_after_seven_renewals_two_are_left() -> None:
    """The one in use, and its predecessor, to go back to."""
    day: Callable[[int], datetime] = lambda number: now() - (8 - number) * DAY  # noqa: E731
    every = [own(day(number)) for number in range(8)]
    assert gone(*every, in_use=every[-1]) == {one.sha256 for one in every[:-2]}
    assert gone(*every, in_use=every[-1], kept=(every[0],)) == {one.sha256 for one in every[1:-2]}
    assert gone(*every, in_use=every[3]) == {one.sha256 for one in every[:2]}, "what is newer may be enabled"


def test_what_may_be_needed_is_kept() -> None:
    """What has another name, and what left the box and is valid; an expired predecessor is no way back."""
    present, other = own(now()), own(now() - DAY, NAME, "other.contoso.test")
    valid, expired = own(now() - 3 * DAY), own(now() - 2 * DAY, left=-1)
    away = [replace(own(now() - 5 * DAY, left=left), exported=now() - 4 * DAY) for left in (60, -1)]
    assert gone(present, other, valid, expired, *away, in_use=present) == {expired.sha256, away[1].sha256}
    assert gone(valid, expired, in_use=present) == set(), "nothing is in use"
