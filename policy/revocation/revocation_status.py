"""What is known of the revocation of one certificate.

Owns: the three answers.  Which of them holds is ``revocation``'s part.
Source: RFC 6960 section 2.2.
"""

from enum import StrEnum, unique


@unique
class RevocationStatus(StrEnum):
    """What is known of revocation."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
