"""Judge the revocation of a path by the statements at hand: revoked, not revoked or unknown; why, until when.

Owns: which statements count for which certificate, joining what they say, and which may replace which.
Must not know: where they come from, HTTP, settings.
Invariants: each certificate is judged by itself, so that an unknown authority does not hide a revoked leaf; a
path is GOOD when every certificate below its trust anchor is; what is past its next update says nothing.
Sources: RFC 5280 section 6.3, RFC 6960 section 3.2, RFC 9608 section 4.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from domain_secure.policy.certificates.certificate import Certificate, is_authority
from domain_secure.policy.certificates.certificate_structure import structure
from domain_secure.policy.certificates.distinguished_name import comparable
from domain_secure.policy.certificates.path_faults import shown

from .needs import DISTRIBUTION_POINTS, has_no_revocation_information
from .revocation import (
    FOREVER,
    Judgement,
    Need,
    OcspAnswer,
    RevocationList,
    RevocationStatus,
    Statement,
    ValidatedPath,
    ends,
    is_current,
)
from .revocation_library import LibraryAnswer, by_answers, by_lists

_REMEMBERED = 512


class UselessStatementError(ValueError):
    """What a location said does not help; the argument says why, in one clause for the operator."""


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
    ) -> Judgement:
        """Return the judgement on the whole path: the worst of its certificates below the anchor."""
        lists, answers = tuple(lists), tuple(answers)
        if len(path) == 1:
            return Judgement(RevocationStatus.GOOD, "it is itself trusted", at, FOREVER)
        each = [self._certificate(path, index, lists, answers, at) for index in range(len(path) - 1)]
        for status in (RevocationStatus.REVOKED, RevocationStatus.UNKNOWN):
            for index, found in enumerate(each):
                if found.status is status:
                    return _told(found, path, index)
        oldest = min(each, key=lambda found: found.since or FOREVER)
        until = min(found.until or FOREVER for found in each)
        return Judgement(RevocationStatus.GOOD, oldest.detail, oldest.since, until)

    def judge_by(self, path: ValidatedPath, statements: Iterable[Statement], at: datetime) -> Judgement:
        """Return the judgement on the whole path by lists and answers in any order, each counted once."""
        statements = tuple(dict.fromkeys(statements))
        lists = [one for one in statements if isinstance(one, RevocationList)]
        answers = [one for one in statements if isinstance(one, OcspAnswer)]
        return self.judge(path, lists, answers, at)

    def check_progress(
        self,
        path: ValidatedPath,
        need: Need,
        new: Sequence[Statement],
        former: Sequence[Statement],
        at: datetime,
    ) -> None:
        """Raise UselessStatementError unless *new* may take the place of *former*.

        Whoever sits between us and a location must not be able to displace what is good by what is forged,
        out of date or merely older; what a list covers is judged when it is used.
        """
        for one in new:
            if not is_current(one, at):
                if ends(one) < at:
                    raise UselessStatementError(f"it is out of date since {ends(one):%Y-%m-%d %H:%M}")
                raise UselessStatementError(f"it is not valid before {one.this_update:%Y-%m-%d %H:%M}")
            if isinstance(one, RevocationList):
                if not self._is_signed_for(one, path, need.index):
                    raise UselessStatementError("the authority of the certificate has not signed it")
                if any(
                    isinstance(old, RevocationList) and old.family == one.family and old.age > one.age
                    for old in former
                ):
                    raise UselessStatementError("it is older than the one we have")
            elif any(old.this_update > one.this_update for old in former):
                raise UselessStatementError("it is older than the one we have")
        answers = [one for one in new if isinstance(one, OcspAnswer)]
        if answers:
            said = self._certificate(path, need.index, (), answers, at)
            if said.status is RevocationStatus.UNKNOWN:
                raise UselessStatementError("it does not say whether the certificate is revoked")

    def _certificate(
        self,
        path: ValidatedPath,
        index: int,
        lists: Sequence[RevocationList],
        answers: Sequence[OcspAnswer],
        at: datetime,
    ) -> Judgement:
        """Return the judgement on ``path[index]``, which is not the anchor."""
        if has_no_revocation_information(path[index]):
            return Judgement(RevocationStatus.GOOD, "its authority never revokes it", at, FOREVER)
        signed = [one for one in lists if self._is_signed_for(one, path, index)]
        current_lists = _usable(newest(one for one in signed if is_current(one, at)))
        serial_number = structure(path[index].der).serial_number
        about_it = [one for one in answers if one.serial_number == serial_number]
        current_answers = [one for one in about_it if is_current(one, at)]
        found = [
            _judgement(self._by_lists(path, index, current_lists, at), current_lists, "CRL"),
            _judgement(_by_answers(path, index, current_answers, at), current_answers, "OCSP"),
        ]
        for status in (RevocationStatus.REVOKED, RevocationStatus.GOOD):
            matching = [one for one in found if one.status is status]
            if matching:
                return max(matching, key=lambda one: one.until or FOREVER)
        return Judgement(RevocationStatus.UNKNOWN, _why_unknown([*signed, *about_it], at))

    def _is_signed_for(self, revocation_list: RevocationList, path: ValidatedPath, index: int) -> bool:
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


def newest(lists: Iterable[RevocationList]) -> tuple[RevocationList, ...]:
    """Return the newest list of each family: a list that lifts a hold replaces the one that imposed it."""
    found: dict[object, RevocationList] = {}
    for one in lists:
        former = found.get(one.family)
        if former is None or one.age > former.age:
            found[one.family] = one
    return tuple(found.values())


def _usable(lists: Iterable[RevocationList]) -> tuple[RevocationList, ...]:
    """Return complete lists, and those delta lists that build upon one of them (RFC 5280 section 5.2.4)."""
    lists = tuple(lists)
    complete = [one for one in lists if one.base_number is None]
    deltas = [
        delta
        for delta in lists
        if delta.base_number is not None
        and any(
            one.family[:2] == delta.family[:2]
            and one.number is not None
            and delta.base_number <= one.number <= delta.age[0]
            for one in complete
        )
    ]
    return (*complete, *deltas)


def _judgement(said: LibraryAnswer, statements: Sequence[Statement], kind: str) -> Judgement:
    if said.status is RevocationStatus.UNKNOWN:
        return Judgement(said.status, "")
    since = min(one.this_update for one in statements)
    until = min(ends(one) for one in statements)
    if said.status is RevocationStatus.GOOD:
        return Judgement(said.status, f"not revoked as of {since:%Y-%m-%d} by {kind}", since, until)
    when = f" on {said.revoked_at:%Y-%m-%d}" if said.revoked_at else ""
    why = f" because of {said.reason}" if said.reason else ""
    return Judgement(said.status, f"revoked{when}{why}, by {kind}", since, until)


def _why_unknown(statements: Sequence[Statement], at: datetime) -> str:
    if not statements:
        return "no CRL and no OCSP answer for it is at hand"
    late = max(statements, key=ends)
    kind = "CRL" if isinstance(late, RevocationList) else "OCSP answer"
    if ends(late) < at:
        return f"the newest {kind} for it is out of date since {ends(late):%Y-%m-%d}"
    return "the CRLs and OCSP answers at hand do not speak about it"


def _told(found: Judgement, path: ValidatedPath, index: int) -> Judgement:
    if index == 0:
        return found
    authority = f"authority {shown(path[index].subject)}"
    if found.status is RevocationStatus.REVOKED:
        detail = f"revoked with its {authority}, which was {found.detail}"
    else:
        detail = f"{authority}: {found.detail}"
    return Judgement(found.status, detail, found.since, found.until)
