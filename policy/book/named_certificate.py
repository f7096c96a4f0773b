"""A certificate as people name it among those that are known: by its thumbprints."""

from dataclasses import dataclass

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.terms.thumbprint import sha1_of


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A certificate that ``thumbprint.find`` looks through."""

    certificate: Certificate

    @property
    def sha1(self) -> str:
        """Return 40 lower-case hexadecimal digits."""
        return sha1_of(self.certificate.der)

    @property
    def sha256(self) -> str:
        """Return 64 lower-case hexadecimal digits."""
        return self.certificate.certificate_pin.digest
