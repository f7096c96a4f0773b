"""One certificate of our own, and one request that waits for its certificate: what people ask about them.

Owns: names, purposes, thumbprints, days left, the TLSA record; the path of the key and never its content.
Must not know: Postfix, how the folder is written (``own_certificates``).
Sources: RFC 5280 section 4.2.1.12 (purposes); RFC 6698 section 2.1 and RFC 7672 section 3.1.1 (TLSA 3 1 1).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.presented_names import names_of
from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.thumbprint import sha1_of

from .key_folder import read_entry_file
from .private_key import LockedKeyError, PrivateKey, UnusableKeyError, belongs_to, is_encrypted, parse_pem

_DAY = timedelta(days=1)


def days_left(certificate: Certificate, now: datetime) -> int:
    """Return the whole days until a certificate expires, negative afterwards."""
    return (certificate.not_after - now) // _DAY


def told_days(days: int) -> str:
    """Return a number of days in words."""
    return f"{days} day{'s' * (days != 1)}"


@dataclass(frozen=True)
class OwnKey:
    """A private key on this box: where it is."""

    key_file: Path

    @cached_property
    def is_encrypted(self) -> bool:
        """Tell whether the key cannot be used without a password; raises OSError."""
        return is_encrypted(read_entry_file(self.key_file))

    def key(self) -> PrivateKey:
        """Return the key; raises Problem where it cannot be used, with the command that mends it."""
        where = str(self.key_file)
        try:
            return parse_pem(read_entry_file(self.key_file))
        except LockedKeyError as error:
            raise Problem(
                "the private key is encrypted, and a mail server has nobody to ask for its password",
                where,
                f"remove the password: openssl pkey -in {where} -out {where}.open && mv {where}.open {where}",
            ) from error
        except UnusableKeyError as error:
            raise Problem(str(error), where, "import the certificate with its key again") from error
        except OSError as error:
            raise Problem(
                f"the private key cannot be read ({error.strerror})", where, "run this as root"
            ) from error

    def holds_key_of(self, certificate: Certificate) -> bool:
        """Tell whether the key belongs to *certificate*; one that cannot be read belongs to none."""
        try:
            return belongs_to(self.key(), certificate)
        except Problem:
            return False


@dataclass(frozen=True)
class OwnCertificate(OwnKey):
    """A certificate with its private key, as we hold it."""

    chain: tuple[Certificate, ...]  #: the certificate, then its issuers, as they are shown to peers
    friendly_name: str
    exportable: bool
    imported: datetime
    exported: datetime | None = None  #: when its key last left this box

    @property
    def certificate(self) -> Certificate:
        """Return the certificate itself."""
        return self.chain[0]

    @property
    def sha1(self) -> str:
        """Return the thumbprint as Exchange shows it, lower-case."""
        return sha1_of(self.certificate.der)

    @property
    def sha256(self) -> str:
        """Return the SHA-256 thumbprint, lower-case."""
        return self.certificate.certificate_pin.digest

    @property
    def spki_sha256(self) -> str:
        """Return the SHA-256 digest of its public key, lower-case."""
        return self.certificate.public_key_pin.digest

    @property
    def names(self) -> tuple[str, ...]:
        """Return the host names."""
        return names_of(self.certificate)

    @property
    def purposes(self) -> frozenset[Purpose]:
        """Return the purposes."""
        return purposes_of(self.certificate)

    @property
    def tlsa(self) -> str:
        """Return the data of the TLSA record that pins the key: usage 3, selector 1, SHA-256."""
        return f"3 1 1 {self.certificate.public_key_pin.digest}"


@dataclass(frozen=True)
class PendingRequest(OwnKey):
    """A request that was made here; its key waits for the certificate."""

    identifier: str  #: SHA-256 of the public key, lower-case
    subject: str  #: RFC 4514 text
    names: tuple[str, ...]
    friendly_name: str
    exportable: bool
    made: datetime
    renews: str | None  #: SHA-256 of the certificate it is to replace

    @property
    def sha1(self) -> str:
        """Return the short form by which people name it; there is no certificate yet to have a thumbprint."""
        return self.identifier[:40]

    @property
    def sha256(self) -> str:
        """Return the whole identifier."""
        return self.identifier
