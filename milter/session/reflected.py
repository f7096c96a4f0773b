"""What the reflector's part in a message changes about its outcome.

Owns: that division alone: whoever else is a recipient gets the message as if the reflector were none.
"""

from collections.abc import Callable
from dataclasses import replace

from domain_secure.milter.reflector.gathering import Gathering
from domain_secure.milter.reflector.reflector import Arrival
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.evidence import Session
from domain_secure.policy.decision.reply import Reply

from .outcome import Outcome
from .transaction import Transaction


def arrival_of(
    transaction: Transaction, letter: Gathering, session: Session | None, decision: Decision, queue_id: str
) -> Arrival:
    """Return what the reflector is told of a message that names it as a recipient."""
    facts = transaction.facts
    return Arrival(
        letter,
        transaction.live,
        transaction.reverse_path,
        transaction.recipients,
        facts.client_address,
        f"[{facts.client_address}]:{facts.client_port}",
        facts.myhostname,
        queue_id,
        session,
        decision,
        transaction.is_trusted_relay,
    )


def with_reflector(
    outcome: Outcome,
    transaction: Transaction,
    letter: Gathering,
    refusal: Reply | None,
    is_removable: Callable[[Configuration], bool],
) -> Outcome:
    """Return what is to happen to a message that names the reflector as a recipient.

    *refusal* is why the letter is not answered; None: it is.  What a partner's rule refuses stays refused.  A
    refusal of the reflector's own counts where nobody else is a recipient.  *is_removable* tells whether the
    reflector can be taken off without anybody else.
    """
    if outcome.reply is not None:
        return outcome
    if transaction.recipients > len(letter.spellings):
        is_kept = not is_removable(transaction.live.configuration)
        return outcome if is_kept else replace(outcome, removed_recipients=tuple(letter.spellings))
    return Outcome(refusal) if refusal is not None else Outcome(is_discarded=True)
