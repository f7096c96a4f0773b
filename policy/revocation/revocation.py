"""Revocation of a validated path: revoked, not revoked, or unknown; why, and until when that holds.

Owns: which lists and answers count for which certificate, and joining what they say.
Must not know: where they come from, HTTP, settings.
Invariants: each certificate is judged by itself, so that an unknown authority does not hide a revoked leaf; a
path is GOOD when every certificate below its trust anchor is; what is past its next update says nothing.
Sources: RFC 5280 section 6.3, RFC 6960 section 3.2, RFC 9608 section 4.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from domain_secure.policy.certificates.certificate import Certificate, is_authority
from domain_secure.policy.certificates.certificate_structure import structure
from domain_secure.policy.certificates.distinguished_name import comparable
from domain_secure.policy.certificates.path_faults import shown

from .ocsp import OcspAnswer
from .revocation_library import LibraryAnswer, by_answers, by_lists
from .revocation_list import RevocationList
from .revocation_pointers import DISTRIBUTION_POINTS, has_no_revocation_information
from .revocation_status import RevocationStatus

FOREVER = datetime.max.replace(tzinfo=UTC)
# What has no next update may be replaced at any time (RFC 6960 section 4.2.2.1); the library takes the same.
WITHOUT_NEXT_UPDATE = timedelta(minutes=30)
_REMEMBERED = 512

ValidatedPath = Sequence[Certificate]  #: leaf first, trust anchor last; a trusted leaf is a path by itself
Statement = RevocationList | OcspAnswer


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is known of one certificate, or of a path as a whole."""

    status: RevocationStatus
    detail: str  #: one clause for both administrators
    since: datetime | None = None  #: when it was so, by the word of the oldest source; None: nobody says
    until: datetime | None = None  #: when the first source it rests on must be renewed


class RevocationSource(Protocol):
    """Something that knows of revocation, at once or later."""

    def find(self, path: ValidatedPath) -> Future[Revocation]:
        """Return a future of what is known of a path that is trusted; returns without waiting."""


def ends(statement: Statement) -> datetime:
    """Return the time after which a list or an answer says nothing any more."""
    return statement.next_update or statement.this_update + WITHOUT_NEXT_UPDATE


def is_current(statement: Statement, at: datetime) -> bool:
    """Tell whether *at* lies between the statement's two updates."""
    return statement.this_update <= at <= ends(statement)


class RevocationJudge:
    """Judges paths; remembers what costs time, and nothing that changes an answer.  For one thread.

    A list of a hundred thousand entries costs the library half a second, so it is asked once for all
    certificates of an authority that are not on the list: they differ in nothing else that counts.
    """

    def __init__(self) -> None:
        self._signers: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._unlisted: OrderedDict[object, LibraryAnswer] = OrderedDict()

    def judge(
        self,
        path: ValidatedPath,
        lists: Iterable[RevocationList],
        answers: Iterable[OcspAnswer],
        at: datetime,
    ) -> Revocation:
        """Return what is known of the whole path: the worst of its certificates below the anchor."""
        lists, answers = tuple(lists), tuple(answers)
        if len(path) == 1:
            return Revocation(RevocationStatus.GOOD, "it is itself trusted", at, FOREVER)
        each = [self.certificate(path, index, lists, answers, at) for index in range(len(path) - 1)]
        for status in (RevocationStatus.REVOKED, RevocationStatus.UNKNOWN):
            for index, found in enumerate(each):
                if found.status is status:
                    return _told(found, path, index)
        oldest = min(each, key=lambda found: found.since or FOREVER)
        until = min(found.until or FOREVER for found in each)
        return Revocation(RevocationStatus.GOOD, oldest.detail, oldest.since, until)

    def certificate(
        self,
        path: ValidatedPath,
        index: int,
        lists: Sequence[RevocationList],
        answers: Sequence[OcspAnswer],
        at: datetime,
    ) -> Revocation:
        """Return what is known of ``path[index]``, which is not the anchor."""
        if has_no_revocation_information(path[index]):
            return Revocation(RevocationStatus.GOOD, "its authority never revokes it", at, FOREVER)
        signed = [one for one in lists if self.is_signed_for(one, path, index)]
        current_lists = _newest(one for one in signed if is_current(one, at))
        serial_number = structure(path[index].der).serial_number
        about_it = [one for one in answers if one.serial_number == serial_number]
        current_answers = [one for one in about_it if is_current(one, at)]
        found = [
            _revocation(self._by_lists(path, index, current_lists, at), current_lists, "CRL"),
            _revocation(_by_answers(path, index, current_answers, at), current_answers, "OCSP"),
        ]
        for status in (RevocationStatus.REVOKED, RevocationStatus.GOOD):
            matching = [one for one in found if one.status is status]
            if matching:
                return max(matching, key=lambda one: one.until or FOREVER)
        return Revocation(RevocationStatus.UNKNOWN, _why_unknown([*signed, *about_it], at))

    def is_signed_for(self, revocation_list: RevocationList, path: ValidatedPath, index: int) -> bool:
        """Tell whether an authority above ``path[index]`` in the path has signed the list."""
        # Lists that somebody else signs (indirect ones, and authorities with a key for lists alone) stay
        # out, and so do a stranger's octets, before the library sees them.  The issuer's name may stand in
        # the path more than once, where it changes its key.
        name = comparable(structure(path[index + 1].der).subject)
        return any(
            self._is_signed_by(revocation_list, authority)
            for authority in path[index + 1 :]
            if comparable(structure(authority.der).subject) == name
        )

    def _is_signed_by(self, revocation_list: RevocationList, authority: Certificate) -> bool:
        key = revocation_list.digest, authority.public_key_pin.digest
        if key not in self._signers:
            _keep(self._signers, key, revocation_list.is_signed_by(authority))
        return self._signers[key]

    def _by_lists(
        self, path: ValidatedPath, index: int, lists: Sequence[RevocationList], at: datetime
    ) -> LibraryAnswer:
        if not lists:
            return LibraryAnswer(RevocationStatus.UNKNOWN)
        parts = structure(path[index].der)
        if any(one.is_indirect or one.has(parts.serial_number) for one in lists):
            return by_lists(path, index, lists, at)
        points = parts.extensions.get(DISTRIBUTION_POINTS)
        key = (
            tuple(one.digest for one in lists),
            tuple(authority.certificate_pin for authority in path[index + 1 :]),
            parts.issuer,
            points and points.value,
            is_authority(path[index]),
        )
        if key not in self._unlisted:
            _keep(self._unlisted, key, by_lists(path, index, lists, at))
        return self._unlisted[key]


def _keep(kept: OrderedDict[Any, Any], key: object, value: object) -> None:
    kept[key] = value
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)


def _by_answers(
    path: ValidatedPath, index: int, answers: Sequence[OcspAnswer], at: datetime
) -> LibraryAnswer:
    """Return the worst that the answers say; the library alone would stop at the first good one."""
    found = LibraryAnswer(RevocationStatus.UNKNOWN)
    for answer in answers:
        said = by_answers(path, index, (answer,), at)
        if said.status is RevocationStatus.REVOKED:
            return said
        if said.status is RevocationStatus.GOOD:
            found = said
    return found


def _newest(lists: Iterable[RevocationList]) -> tuple[RevocationList, ...]:
    """Return the newest list of each family: a list that lifts a hold replaces the one that imposed it.

    A delta list counts only where it builds upon a complete list that is there (RFC 5280 section 5.2.4).
    """
    newest: dict[object, RevocationList] = {}
    for one in lists:
        former = newest.get(one.family)
        if former is None or one.age > former.age:
            newest[one.family] = one
    complete = [one for one in newest.values() if one.base_number is None]
    deltas = [
        delta
        for delta in newest.values()
        if delta.base_number is not None
        and any(
            one.family[:2] == delta.family[:2]
            and one.number is not None
            and delta.base_number <= one.number <= delta.age[0]
            for one in complete
        )
    ]
    return (*complete, *deltas)


def _revocation(said: LibraryAnswer, statements: Sequence[Statement], kind: str) -> Revocation:
    if said.status is RevocationStatus.UNKNOWN:
        return Revocation(said.status, "")
    since = min(one.this_update for one in statements)
    until = min(ends(one) for one in statements)
    if said.status is RevocationStatus.GOOD:
        return Revocation(said.status, f"not revoked as of {since:%Y-%m-%d} by {kind}", since, until)
    when = f" on {said.revoked_at:%Y-%m-%d}" if said.revoked_at else ""
    why = f" because of {said.reason}" if said.reason else ""
    return Revocation(said.status, f"revoked{when}{why}, by {kind}", since, until)


def _why_unknown(statements: Sequence[Statement], at: datetime) -> str:
    if not statements:
        return "no CRL and no OCSP answer for it is at hand"
    late = max(statements, key=ends)
    kind = "CRL" if isinstance(late, RevocationList) else "OCSP answer"
    if ends(late) < at:
        return f"the newest {kind} for it is out of date since {ends(late):%Y-%m-%d}"
    return "the CRLs and OCSP answers at hand do not speak about it"


def _told(found: Revocation, path: ValidatedPath, index: int) -> Revocation:
    if index == 0:
        return found
    authority = f"authority {shown(path[index].subject)}"
    if found.status is RevocationStatus.REVOKED:
        detail = f"revoked with its {authority}, which was {found.detail}"
    else:
        detail = f"{authority}: {found.detail}"
    return Revocation(found.status, detail, found.since, found.until)
