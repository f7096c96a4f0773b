"""The doctor's question about recipients who were written to lately: where would their mail go now?

Owns: which recipients are asked about, and naming those who are not.
Must not know: how an answer is judged; that is ``routing_checks``'s part.
The answers are the running Postfix's, which also knows tables that nobody can list, and may still have former
ones.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.history import History, RecordQuery
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, InvalidDomainError, parse_domain
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.address_resolver import Resolution, resolved
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.log.log_location import log_location
from domain_secure.postfix.log.recent_recipients import recent_recipients
from domain_secure.postfix.tables.routing import SAMPLE_USER, Route

from .routing_checks import ways_of, word_of

DAYS = 3
_MOST_RECORDS = 20_000  #: of the history
_NAMED = 3  #: recipients named in a finding
# Mail that is given to these leaves by no way; what they do with it is plain to see.
_NOWHERE = frozenset({"error", "retry"})
_WHAT = f"where mail for recipients of the last {DAYS} days would go"


def check_replay(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, only: Domain | None
) -> Iterator[Finding]:
    """Yield the recipients in listed domains whose mail would leave otherwise than promised.

    Raises NoPermission where only root may ask.
    """

    @cache
    def listed(written: str) -> Domain | None:
        try:
            domain = parse_domain(written)
        except InvalidDomainError:
            return None
        return domain if only in {None, domain} and configuration.send.match(domain) is not None else None

    since = datetime.now(UTC) - timedelta(days=DAYS)
    addresses: dict[str, None] = {}
    try:
        recent = recent_recipients(
            log_location(configuration, instance),
            since,
            lambda address: listed(address.rpartition("@")[2]) is not None,
        )
        addresses = dict.fromkeys(recent.addresses)
        for part in recent.left_out:
            yield Finding.not_looked_at(_WHAT, f"{part} in Postfix's log", "ask about them with check DOMAIN")
    except (Problem, OSError) as error:
        yield Finding.not_looked_at(_WHAT, f"Postfix's log cannot be read: {error}", "mend what it names")
    records = History(configuration.state).last_records(
        RecordQuery(direction=Direction.SEND, since=since), _MOST_RECORDS
    )
    if len(records) == _MOST_RECORDS:
        yield Finding.not_looked_at(
            _WHAT, f"records of the history before the last {_MOST_RECORDS:,}", "see log show"
        )
    domains = {str(one.document.get("recipient_domain", "")) for one in records}
    addresses |= dict.fromkeys(f"{SAMPLE_USER}@{one}" for one in domains if listed(one) is not None)
    if not addresses:
        return
    try:
        answers = list(resolved(instance, addresses))
    except Problem as problem:
        yield Finding.not_looked_at(_WHAT, f"{problem.where}: {problem.what}", problem.fix)
        return
    yield from _judged(configuration, instance, facts, [one for one in answers if _leaves(one)])


def _leaves(answer: Resolution) -> bool:
    return answer.has_way and answer.transport not in _NOWHERE


def _judged(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, answers: list[Resolution]
) -> Iterator[Finding]:
    """Yield one finding for those who have the same fault."""
    routes = {}
    for answer in answers:
        route = Route(
            answer.recipient.rpartition("@")[2],
            answer.transport,
            answer.nexthop,
            "transport_maps",
            f"the running Postfix answers {answer.transport}:{answer.nexthop}",
        )
        routes[answer.recipient] = route
    faults: dict[tuple[str, str], list[str]] = {}
    for recipient, way in ways_of(configuration, instance, facts, routes):
        if word := word_of(way, configuration.direct):
            faults.setdefault((word, way.route.proof), []).append(recipient)
    for (word, proof), recipients in faults.items():
        more = f" and {len(recipients) - _NAMED} more" if len(recipients) > _NAMED else ""
        yield Finding.error(
            "recipient-goes-elsewhere",
            f"mail for {', '.join(recipients[:_NAMED])}{more}, written to in the last {DAYS} days, would "
            f"leave now without the TLS policy of the send list ({word})",
            proof,
            "run domain-secure attach and postfix reload, and mend what else this examination names",
        )
