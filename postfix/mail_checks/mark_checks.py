"""The doctor's question about the mark: who takes it away again behind us, or believes one in front of us?

Owns: which tables and milters see a marked message, or one that is not judged yet, and what they may do to
it.
Must not know: how the facts were found, and when a message is marked.
Sources: header_checks(5), postconf(5) milter_header_checks and smtp_header_checks; sendmail's mfapi.h for
SMFIF_CHGHDRS; RFC 8601.
"""

from collections.abc import Iterable, Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.decision.marks import AUTHENTICATION_RESULTS, MARK
from domain_secure.policy.terms.domain import entry_base
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.endpoints import Address, attached, milter_listener
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from .listener_checks import changes_fields

# header_checks(5): after each of these the field, or the message, is not what it was.
TAKING = frozenset({"IGNORE", "STRIP", "REPLACE", "REJECT", "DISCARD"})


def check_marks(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts
) -> Iterator[Finding]:
    """Yield what takes the mark from a message that we let in; nothing where no service is attached.

    Raises Problem when a table does not answer, and PermissionError where a milter may not be asked.
    """
    address = milter_listener(configuration, facts.queue_directory)
    served = [one for one in facts.receivers if facts.asks(one, address)]
    if not configuration.receive or not served:
        return
    marks = marks_of(configuration, instance)
    for place, setting in dict.fromkeys(_tables(facts, served)):
        for table in split_elements(setting):
            found = instance.query(table, marks)
            taken = [(mark, action) for mark, action in found.items() if action.split()[0].upper() in TAKING]
            if taken:
                mark, action = taken[0]
                yield Finding.error(
                    "mark-taken-away",
                    "the mark of a message that was let in is taken away, or the message with it",
                    f"{place} has {table}, which says {action} of {mark}",
                    f"let the table leave {MARK} and our {AUTHENTICATION_RESULTS} as they are",
                )
    for receiver in served:
        yield from _check_milters(receiver, facts, address)


def marks_of(configuration: Configuration, instance: PostfixInstance) -> tuple[str, str]:
    """Return the two fields as a message of the first partner would have them."""
    host = instance.parameter("myhostname")
    authserv_id = configuration.inbound.authserv_id or host
    domain = entry_base(next(iter(configuration.receive)))
    result = f"x-domain-secure=pass header.d={domain} policy.method=pkix policy.tls=TLSv1.3"
    return (
        f"{MARK}: pass ({domain}; pkix; TLSv1.3) by {host}; ref=4F2C1A0B",
        f"{AUTHENTICATION_RESULTS}: {authserv_id}; {result}",
    )


def _tables(facts: PostfixFacts, served: Iterable[ServiceFacts]) -> Iterator[tuple[str, str]]:
    """Yield the settings whose tables see a marked message, each with its place."""
    attached_ones = list(served)
    for receiver in facts.receivers:
        cleanup = facts.cleanup(receiver)
        if cleanup is None:
            continue
        # What a milter adds is seen by the first; what comes back from a filter, by the second.
        name = "milter_header_checks" if receiver in attached_ones else "header_checks"
        if name == "milter_header_checks" or receiver.service.name.startswith(("127.", "localhost", "[::1]")):
            yield f"{cleanup.service.key}: {name}", cleanup.value(name)
    for sender in facts.senders:
        if sender.service.name != TRANSPORT_SERVICE:
            name = f"{sender.service.program}_header_checks"
            yield f"{sender.service.key}: {name}", sender.value(name)


def _check_milters(receiver: ServiceFacts, facts: PostfixFacts, ours: Address) -> Iterator[Finding]:
    key, behind = receiver.service.key, False
    for element in split_elements(receiver.value("smtpd_milters")):
        milter = attached(element).address(facts.queue_directory, chroot=receiver.service.chroot)
        if milter == ours:
            behind = True
        elif behind:
            yield from _check_milter(key, milter)
        else:
            yield Finding.warning(
                "earlier-milter",
                "a milter that is asked before ours sees marks that anybody forged, and may change whom a "
                "message says it is from before that is judged",
                f"{key}: smtpd_milters has {milter} in front of {ours}",
                "run domain-secure attach, which puts ours in front",
            )


def _check_milter(key: str, milter: Address) -> Iterator[Finding]:
    try:
        changes = changes_fields(milter)
    except PermissionError as error:
        raise PermissionError(error.errno, error.strerror, str(milter)) from error
    except (OSError, ValueError) as error:
        yield Finding.not_looked_at(
            f"whether the milter {milter}, which {key} asks after ours, may take the mark away",
            getattr(error, "strerror", None) or str(error) or "it does not answer",
            "start that milter, then run domain-secure check again",
        )
        return
    if changes:
        yield Finding.note(
            "later-milter",
            "a milter that is asked after ours may change header fields, the mark and the author among them",
            f"{key}: smtpd_milters has {milter}, which asks Postfix for that",
            f"see that it takes neither {MARK} nor our {AUTHENTICATION_RESULTS} away, nor makes up an author",
        )
