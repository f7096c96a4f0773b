"""From ``observe`` to ``enforce``: may it be, by the days watched?

Owns: what counts as clean, and the words for what does not.
Must not know: where records are kept, clocks, what is done about the answer.
Invariant: unknown is not clean.  Time in which nobody watched, and messages of which nothing is recorded,
speak against it, and never for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.terms.domain import Entry

_DAY = timedelta(days=1)
_NAMED = timedelta(minutes=1)  #: shorter gaps are restarts
_LEAST_PART = 0.95  #: of the time asked for that must have been watched


@dataclass(frozen=True, slots=True)
class Judged:
    """One message of the days watched, judged by the rule as it is now and as though it were enforced."""

    time: datetime
    verdict: Verdict
    effect: Effect
    detail: str
    whose: Attribution | None  #: None: nobody asked then whose it was
    mends: tuple[str, ...] = ()  #: what would let it in
    doubts: tuple[str, ...] = ()  #: what of the evidence nobody knows any more


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a partner's mail in a period."""

    entry: Entry
    since: datetime
    until: datetime
    messages: Sequence[Judged]
    first: datetime | None  #: when it was first seen here at all; None: never
    ran: Sequence[tuple[datetime, datetime]]  #: when the daemon ran, in order, without overlaps
    unrecorded: int = 0  #: messages that were counted, and of which nothing else is known


@dataclass(frozen=True, slots=True)
class Failure:
    """Messages that would be refused or deferred for one reason."""

    verdict: Verdict
    detail: str
    count: int
    last: datetime
    is_forgery: bool
    mends: tuple[str, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether it may be, and why not."""

    passed: int
    failures: tuple[Failure, ...]  #: the partner's own
    forgeries: tuple[Failure, ...]  #: a stranger's: what enforcing is for
    down: tuple[tuple[datetime, datetime], ...]  #: when nobody watched
    unknown: tuple[str, ...]  #: clauses: what is not known and would have to be

    @property
    def is_clean(self) -> bool:
        """Tell whether all is known, and none of it was a failure of the partner's."""
        return not self.failures and not self.unknown


def judge(watched: Watched, minimum: int) -> Judgement:
    """Return what speaks for and against enforcing; at least *minimum* messages must have passed."""
    failing = [one for one in watched.messages if one.effect in {Effect.DEFER, Effect.REJECT}]
    failures, forgeries = _grouped(failing, forged=False), _grouped(failing, forged=True)
    passed = sum(one.verdict is Verdict.PASS for one in watched.messages)
    down = gaps(watched.ran, watched.since, watched.until)
    return Judgement(passed, failures, forgeries, down, tuple(_unknown(watched, passed, minimum, down)))


def with_follower(judgement: Judgement, watched: Watched) -> Judgement:
    """Return a judgement once it is known what was seen of another entry that goes by the same rule.

    It need not have written at all; what failed of it, or was not recorded, is not clean.
    """
    own = judge(watched, 0)
    who = f"{watched.entry}, which goes by the same rule"
    failures = tuple(replace(one, detail=f"{who}: {one.detail}") for one in own.failures)
    lost = watched.unrecorded
    unknown = (f"{lost} messages of {who}, were counted, and not recorded",) if lost else ()
    return replace(judgement, failures=judgement.failures + failures, unknown=judgement.unknown + unknown)


def _unknown(
    watched: Watched, passed: int, minimum: int, down: Sequence[tuple[datetime, datetime]]
) -> Iterable[str]:
    period = watched.until - watched.since
    first = watched.first
    if first is None:
        yield f"no message of {watched.entry} was ever seen here"
    elif first > watched.since + period * (1 - _LEAST_PART):
        yield f"the first message came {_days(watched.until - first)} ago, and {_days(period)} are asked for"
    missed = sum((end - start for start, end in down), timedelta())
    if missed > period * (1 - _LEAST_PART):
        yield f"nobody watched for {_days(missed)} of {_days(period)}, as far as is known"
    if first is not None and passed < minimum:
        yield f"{passed} message{'s' * (passed != 1)} passed, and {minimum} are asked for"
    if watched.unrecorded:
        yield f"{watched.unrecorded} of its messages were counted, and not recorded"


def gaps(
    ran: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Return the parts of a period in which the daemon did not run; restarts are none."""
    found, reached = [], since
    for start, end in ran:
        if min(start, until) - reached > _NAMED:
            found.append((reached, min(start, until)))
        reached = max(reached, end)
    if until - reached > _NAMED:
        found.append((reached, until))
    return tuple(found)


def _grouped(failing: Iterable[Judged], *, forged: bool) -> tuple[Failure, ...]:
    """Return the failures by reason, the most frequent first; whose is not known counts as the partner's."""
    groups: dict[tuple[Verdict, str], list[Judged]] = defaultdict(list)
    for one in failing:
        if (one.whose is Attribution.STRANGER) is forged:
            groups[one.verdict, one.detail].append(one)
    found = (
        Failure(
            verdict,
            detail,
            len(group),
            max(one.time for one in group),
            forged,
            group[-1].mends,
            tuple(dict.fromkeys(doubt for one in group for doubt in one.doubts)),
        )
        for (verdict, detail), group in groups.items()
    )
    return tuple(sorted(found, key=lambda one: (-one.count, one.verdict.word, one.detail)))


def _days(span: timedelta) -> str:
    if span < 2 * _DAY:
        hours = round(span / timedelta(hours=1))
        return f"{hours} hour{'s' * (hours != 1)}"
    return f"{span / _DAY:.1f} days".replace(".0 ", " ")
