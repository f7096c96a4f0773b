"""What an organisation announces to its partners, as frozen values: names, keys now and next, authorities.

Must not know: how it is written down and signed (``agreement_file``).
"""

from dataclasses import dataclass
from datetime import datetime

from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin

SERVER, CLIENT = "server", "client"
ROLES = (SERVER, CLIENT)  #: what a key is shown as


@dataclass(frozen=True, slots=True)
class AnnouncedKey:
    """One key, by the SHA-256 digest of its public key."""

    public_key: Pin
    shown_as: tuple[str, ...] = ROLES
    certificate: Pin | None = None  #: of the certificate that has it, where there is one already
    begins: datetime | None = None  #: None: it counts already
    ends: datetime | None = None  #: None: nothing is said of its end

    @property
    def timed(self) -> TimedPin | None:
        """Return the pin with its time; None where it counts always."""
        if self.begins is None and self.ends is None:
            return None
        return TimedPin(self.public_key, self.begins, self.ends)

    def counts_at(self, moment: datetime) -> bool:
        """Tell whether the key is one to be believed at a moment."""
        return self.timed is None or self.timed.counts_at(moment)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, by its certificate's digest; the subject is for people."""

    subject: str
    certificate: Pin


@dataclass(frozen=True, slots=True)
class Agreement:
    """All that one file says; times are aware, in UTC."""

    domains: tuple[Domain, ...]
    issued: datetime
    valid_until: datetime
    keys: tuple[AnnouncedKey, ...]
    server_names: tuple[str, ...] = ()  #: of the certificates its mail servers show
    client_names: tuple[str, ...] = ()  #: of those it shows when it sends
    mx: tuple[str, ...] = ()
    authorities: tuple[Authority, ...] = ()
    contacts: tuple[str, ...] = ()
