"""Sessions with one mail server, each with another client certificate, or with none.

Owns: which certificates are shown, and that their files are gone afterwards.
Must not know: what follows from the answers (``policy.mutual_proof``).
Invariant: nothing is sent beyond a probe and the envelope that somebody asked for; never DATA.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from domain_secure.policy.authority.stranger_certificate import stranger_pem
from domain_secure.policy.sending.mutual_proof import Session, Shown
from domain_secure.policy.terms.domain import Domain, parse_domain

from .probe import TIME_LIMIT, ClientIdentity, Envelope, ProbeResult, ProbeTarget, probe, verb

# RFC 2606: nobody's name, and no partner will ever list it.
_OTHER_NAME = Domain("not-a-partner.invalid")


@contextmanager
def identities(
    ours: ClientIdentity, now: datetime, other_name: Path | None = None
) -> Iterator[dict[Shown, ClientIdentity]]:
    """Yield an identity for each certificate to show; ours is left out where we have none.

    *other_name* is a file with key and chain of a certificate that partners would trust, were it not for its
    name; without one it is self-signed as well.
    """
    with TemporaryDirectory(prefix="domain-secure-") as folder:

        def stranger(name: Domain) -> ClientIdentity:
            file = Path(folder, f"{name}.pem")
            file.touch(mode=0o600)
            file.write_bytes(stranger_pem(name, now))
            return replace(ours, certificate_file=file, key_file=file)

        found = {Shown.NOTHING: replace(ours, certificate_file=None, key_file=None)}
        if ours.certificate_file is not None:
            found[Shown.OURS] = ours
        found[Shown.OTHER_NAME] = (
            stranger(_OTHER_NAME)
            if other_name is None
            else replace(ours, certificate_file=other_name, key_file=other_name)
        )
        found[Shown.SELF_SIGNED] = stranger(parse_domain(ours.helo))
        yield found


def mutual_sessions(
    target: ProbeTarget,
    shown: dict[Shown, ClientIdentity],
    envelope: Envelope | None,
    look: Callable[..., ProbeResult] = probe,
) -> dict[Shown, Session]:
    """Hold one session after the other, for servers limit how many they hold at once; raises nothing."""
    return {
        which: _session(look(target, identity, TIME_LIMIT, envelope=envelope))
        for which, identity in shown.items()
    }


def _session(result: ProbeResult) -> Session:
    if result.failure is not None:
        return Session(True if result.chain else None, result.failure, "STARTTLS")
    if not result.exchanges:
        return Session(result.certificate_requested, result.remark, "STARTTLS")
    decisive = [one for one in result.exchanges if one.command != "RSET"]
    last, refusal = decisive[-1], result.remark
    if last.reply.code >= 400:
        refusal = f"{verb(last.command)} was answered with {last.reply}"
    # Without an envelope nothing but QUIT was left to be said.
    is_all_said = len(decisive) == 1 and refusal is None
    return Session(result.certificate_requested, refusal, "QUIT" if is_all_said else verb(last.command))
