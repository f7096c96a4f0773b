"""Judge the revocation of a path by the statements at hand: revoked, not revoked or unknown; why, until when.

Owns: which statements count for which certificate, joining what they say, and which may replace which.
Must not know: where they come from, HTTP, settings.
Invariants: each certificate is judged by itself, so that an unknown authority does not hide a revoked leaf; a
path is GOOD when every certificate below its trust anchor is.  Past its next update a statement does not say
GOOD any more; REVOKED it says until a newer one about the same certificate says otherwise.
Sources: RFC 5280 section 6.3, RFC 6960 section 3.2, RFC 9608 section 4.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from domain_secure.policy.certificates.certificate import Certificate, is_authority
from domain_secure.policy.certificates.certificate_structure import structure
from domain_secure.policy.certificates.distinguished_name import comparable
from domain_secure.policy.certificates.path_faults import shown

from .list_choice import Amended, amended, newest, without_base
from .needs import DISTRIBUTION_POINTS, has_no_revocation_information
from .revocation import (
    EVERY_REASON,
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
from .revocation_library import LibraryAnswer, by_answer, by_lists, speaks_about

_V = TypeVar("_V")

_REMEMBERED = 512
_NOT_ABOUT_IT = "the CRLs and OCSP answers at hand do not speak about it"


class _Memory(Generic[_V]):
    """What costs time to find out, of the last few hundred questions."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, _V] = OrderedDict()

    def get(self, key: object, find: Callable[[], _V]) -> _V:
        """Return what is remembered under a key, or find it out and remember it."""
        if key not in self._kept:
            self._kept[key] = find()
            if len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
        return self._kept[key]


class UselessStatementError(ValueError):
    """What a location said does not help; the argument says why, in one clause for the operator."""


class RevocationJudge:
    """Judges paths; remembers what costs time, and nothing that changes an answer.  For one thread.

    A list of a hundred thousand entries costs the library half a second, so it is asked once for all
    certificates of an authority that are not on the list: they differ in nothing else that counts.
    """

    def __init__(self) -> None:
        self._signers: _Memory[bool] = _Memory()
        self._in_scope: _Memory[bool] = _Memory()
        self._unlisted: _Memory[LibraryAnswer] = _Memory()

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
        out of date, merely older, or about other certificates.
        """
        for one in new:
            if not is_current(one, at):
                if ends(one) < at:
                    raise UselessStatementError(f"it is out of date since {ends(one):%Y-%m-%d %H:%M}")
                raise UselessStatementError(f"it is not valid before {one.this_update:%Y-%m-%d %H:%M}")
        new_lists = [one for one in new if isinstance(one, RevocationList)]
        if new_lists:
            self._check_lists(path, need, new_lists, former)
        answers = [one for one in new if isinstance(one, OcspAnswer)]
        if any(old.this_update > one.this_update for one in answers for old in former):
            raise UselessStatementError("it is older than the one we have")
        if answers and not any(self._by_answers(path, need.index, answers, at)):
            raise UselessStatementError("it does not say whether the certificate is revoked")

    def helps(self, path: ValidatedPath, need: Need, statements: Iterable[Statement], at: datetime) -> bool:
        """Tell whether some statement is about the certificate that names the location."""
        return any(
            self._is_signed_for(one, path, need.index) and self._speaks_about(one, path, need.index)
            if isinstance(one, RevocationList)
            else any(self._by_answers(path, need.index, [one], at))
            for one in statements
        )

    def _check_lists(
        self,
        path: ValidatedPath,
        need: Need,
        new: Sequence[RevocationList],
        former: Sequence[Statement],
    ) -> None:
        if not all(self._is_signed_for(one, path, need.index) for one in new):
            raise UselessStatementError("the authority of the certificate has not signed it")
        speaking = [one for one in new if self._speaks_about(one, path, need.index)]
        if not speaking:
            raise UselessStatementError("it is not about certificates like the one that names it")
        old_lists = [one for one in former if isinstance(one, RevocationList)]
        displaced = [one for one in old_lists if self._speaks_about(one, path, need.index)]
        if any(old.family == one.family and old.age > one.age for one in new for old in old_lists) or (
            displaced and max(one.this_update for one in speaking) < max(one.this_update for one in displaced)
        ):
            raise UselessStatementError("it is older than the one we have")
        if not _covered(displaced) <= _covered(speaking):
            raise UselessStatementError("it is about less than the one we have")

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
        signed = [one for one in lists if one.this_update <= at and self._is_signed_for(one, path, index)]
        speaking = [one for one in signed if self._speaks_about(one, path, index)]
        serial_number = structure(path[index].der).serial_number
        about_it = [one for one in answers if one.serial_number == serial_number and one.this_update <= at]
        words = [*self._by_lists(path, index, speaking, at), *self._by_answers(path, index, about_it, at)]
        present = [one for one in words if at <= one.end]
        for status in (RevocationStatus.REVOKED, RevocationStatus.GOOD):
            if status is RevocationStatus.GOOD and (past := _never_lifted(words)):
                return past.judgement(
                    f"; that is out of date since {past.end:%Y-%m-%d}, and nothing newer lifts it"
                )
            if matching := [one for one in present if one.said.status is status]:
                return max(matching, key=lambda one: one.end).judgement()
        if signed and not speaking and not about_it:
            return Judgement(RevocationStatus.UNKNOWN, _NOT_ABOUT_IT)
        return Judgement(RevocationStatus.UNKNOWN, _why_unknown([*speaking, *about_it], at))

    def _speaks_about(self, one: RevocationList, path: ValidatedPath, index: int) -> bool:
        """Tell whether ``path[index]`` is in the scope of a list that its authority signed."""
        key = (one.digest, *_alike(path, index))
        return self._in_scope.get(key, lambda: speaks_about(path, index, one))

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
        return self._signers.get(key, lambda: revocation_list.is_signed_by(authority))

    def _by_lists(
        self, path: ValidatedPath, index: int, lists: Iterable[RevocationList], at: datetime
    ) -> Iterator["_Word"]:
        """Yield what each list says of a certificate, and what those of single reasons say together.

        A delta list without its base may still say that a certificate is revoked.
        """
        chosen = newest(lists)
        complete = amended(chosen)
        groups = [[one] for one in complete]
        groups += [[Amended(one.complete)] for one in complete if one.delta and not is_current(one.delta, at)]
        groups.append([one for one in complete if not one.complete.reasons >= EVERY_REASON])
        orphans = [[Amended(one)] for one in without_base(chosen)]
        for group in filter(None, (*groups, *orphans)):
            said = self._by_group(path, index, group, at)
            if said.status is RevocationStatus.REVOKED or (
                said.status is RevocationStatus.GOOD and group not in orphans
            ):
                every = [one for amended in group for one in amended.lists]
                as_of = min(max(one.this_update for one in amended.lists) for amended in group)
                yield _Word(said, as_of, min(map(ends, every)), "CRL")

    def _by_group(
        self, path: ValidatedPath, index: int, group: Sequence[Amended], at: datetime
    ) -> LibraryAnswer:
        serial_number = structure(path[index].der).serial_number
        lists = [one for amended in group for one in amended.lists]
        if any(one.is_indirect or one.has(serial_number) for one in lists):
            return by_lists(path, index, group, at)
        key = (*(one.digest for one in lists), *_alike(path, index))
        return self._unlisted.get(key, lambda: by_lists(path, index, group, at))

    def _by_answers(
        self, path: ValidatedPath, index: int, answers: Iterable[OcspAnswer], at: datetime
    ) -> Iterator["_Word"]:
        for answer in answers:
            said = by_answer(path, index, answer, at)
            if said.status is not RevocationStatus.UNKNOWN:
                yield _Word(said, answer.this_update, ends(answer), "OCSP")


@dataclass(frozen=True, slots=True)
class _Word:
    """What lists or an answer say of one certificate: good or revoked."""

    said: LibraryAnswer
    as_of: datetime
    end: datetime
    kind: str

    def judgement(self, addition: str = "") -> Judgement:
        """Return it as a judgement; with an *addition* it is past, and nothing says until when it holds."""
        if self.said.status is RevocationStatus.GOOD:
            detail = f"not revoked as of {self.as_of:%Y-%m-%d} by {self.kind}"
        else:
            when = f" on {self.said.revoked_at:%Y-%m-%d}" if self.said.revoked_at else ""
            why = f" because of {self.said.reason}" if self.said.reason else ""
            detail = f"revoked{when}{why}, by {self.kind}"
        return Judgement(self.said.status, detail + addition, self.as_of, None if addition else self.end)


def _never_lifted(words: Iterable[_Word]) -> _Word | None:
    """Return the last word where that is REVOKED, however old it is."""
    last = max(words, key=lambda one: (one.as_of, one.said.status is RevocationStatus.REVOKED), default=None)
    return last if last and last.said.status is RevocationStatus.REVOKED else None


def _covered(lists: Iterable[RevocationList]) -> frozenset[object]:
    """Return which reasons of revocation lists have, and which of them completely."""
    return frozenset(
        (reason, completely)
        for one in lists
        for reason in one.reasons
        for completely in {False, one.base_number is None}
    )


def _alike(path: ValidatedPath, index: int) -> tuple[object, ...]:
    """Return all that counts for lists in a certificate that is not on them."""
    parts = structure(path[index].der)
    points = parts.extensions.get(DISTRIBUTION_POINTS)
    authorities = tuple(authority.certificate_pin for authority in path[index + 1 :])
    return authorities, parts.issuer, points and points.value, is_authority(path[index])


def _why_unknown(statements: Sequence[Statement], at: datetime) -> str:
    if not statements:
        return "no CRL and no OCSP answer for it is at hand"
    late = max(statements, key=ends)
    kind = "CRL" if isinstance(late, RevocationList) else "OCSP answer"
    if ends(late) < at:
        return f"the newest {kind} for it is out of date since {ends(late):%Y-%m-%d}"
    return _NOT_ABOUT_IT


def _told(found: Judgement, path: ValidatedPath, index: int) -> Judgement:
    if index == 0:
        return found
    authority = f"authority {shown(path[index].subject)}"
    if found.status is RevocationStatus.REVOKED:
        detail = f"revoked with its {authority}, which was {found.detail}"
    else:
        detail = f"{authority}: {found.detail}"
    return Judgement(found.status, detail, found.since, found.until)
