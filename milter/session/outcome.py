"""What the milter has to do at the end of a message, as values."""

from dataclasses import dataclass

from domain_secure.policy.decision.reply import Reply


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the milter has to do at the end of a message."""

    reply: Reply | None = None  #: None: let the message in
    removed_headers: tuple[tuple[str, int], ...] = ()  #: name and which one of that name, from 1, ascending
    added_headers: tuple[tuple[str, str], ...] = ()
    removed_recipients: tuple[str, ...] = ()  #: as the client wrote them
    is_discarded: bool = False  #: nobody is to have the message, and the client is told that it was taken


LET_IN = Outcome()  #: as it is
