"""A DNS zone signed on the spot, for a server that validates.

Sources: RFC 4034, RFC 4035; dnspython's dns.dnssec.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dns.dnssec
import dns.name
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm

_DAY = timedelta(days=1)
_ZONE_KEY, _SECURE_ENTRY_POINT = 0x0100, 0x0001  # RFC 4034 section 2.1.1, RFC 3757


@dataclass(frozen=True)
class SignedZone:
    """A zone in presentation format, and the key that vouches for all of it."""

    text: str
    trust_anchor: str  #: a DNSKEY record

    @classmethod
    def of(cls, origin: str, records: Iterable[str]) -> "SignedZone":
        """Sign *records*, in presentation format with absolute names, as the zone *origin*."""
        name = dns.name.from_text(origin)
        zone = dns.zone.from_text("\n".join((*_apex(name), *records)), origin=name, relativize=False)
        key = ec.generate_private_key(ec.SECP256R1())
        flags = _ZONE_KEY | _SECURE_ENTRY_POINT
        public = dns.dnssec.make_dnskey(key.public_key(), Algorithm.ECDSAP256SHA256, flags)
        now = datetime.now(UTC)
        with zone.writer() as transaction:
            dns.dnssec.sign_zone(
                zone,
                transaction,
                [(key, public)],
                inception=now - _DAY,
                expiration=now + 9 * _DAY,
                dnskey_ttl=300,
            )
        return cls(zone.to_text(), f"{name} DNSKEY {public.to_text()}")


def _apex(name: dns.name.Name) -> tuple[str, str]:
    return f"{name} 300 SOA ns.{name} hostmaster.{name} 1 3600 600 86400 300", f"{name} 300 NS ns.{name}"
