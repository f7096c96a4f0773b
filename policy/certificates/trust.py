"""How far certificates are believed: the choices of ``[trust]``.

Owns: the words of the configuration.  What follows from each is for path validation and the methods.
"""

from enum import StrEnum, unique


@unique
class ClientPurpose(StrEnum):
    """Whether a certificate for TLS servers only may authenticate a sending server."""

    REQUIRE = "require"
    ACCEPT_SERVER = "accept-server"


@unique
class Revocation(StrEnum):
    """How much must be known about revocation before a certificate is believed."""

    OFF = "off"
    PREFER = "prefer"
    REQUIRE = "require"


@unique
class CommonName(StrEnum):
    """Whether a certificate without a dNSName may be named by its common name."""

    NEVER = "never"
    WITHOUT_SAN = "without-san"
