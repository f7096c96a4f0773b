"""TLS versions and ciphers, by the names Postfix prints."""

import pytest

from domain_secure.policy.terms.tls import TlsVersion, is_weak_cipher


@pytest.mark.parametrize("name", ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])
def test_names_read_back(name: str) -> None:
    """A version prints as Postfix calls it, also inside a text."""
    version = TlsVersion.parse(name)
    assert str(version) == name
    assert f"{version}" == name


def test_versions_compare_by_strength() -> None:
    """A newer version is greater."""
    assert list(TlsVersion) == sorted(TlsVersion)
    assert TlsVersion.parse("TLSv1.2") < TlsVersion.parse("TLSv1.3")


@pytest.mark.parametrize("name", ["", "TLSv1.4", "tlsv1.2", "TLSv1.2 ", "SSLv2", "TLS"])
def test_unknown_versions(name: str) -> None:
    """A name that is not known is refused with those that are."""
    with pytest.raises(ValueError, match=r"TLSv1\.3"):
        TlsVersion.parse(name)


@pytest.mark.parametrize(
    "name",
    [
        "NULL-SHA256",
        "ECDHE-RSA-NULL-SHA",
        "TLS_RSA_WITH_NULL_SHA",
        "ADH-AES256-GCM-SHA384",
        "AECDH-AES256-SHA",
        "TLS_DH_anon_WITH_AES_128_CBC_SHA",
        "EXP-RC4-MD5",
        "EXP1024-DES-CBC-SHA",
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        "aecdh-null-sha",
        "ECDHE-RSA-RC4-SHA",
        "RC4-MD5",
        "RC2-CBC-MD5",
        "DES-CBC3-SHA",
        "DES-CBC-SHA",
        "ECDHE-ECDSA-DES-CBC3-SHA",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_DHE_RSA_WITH_DES_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    ],
)
def test_weak_ciphers(name: str) -> None:
    """Ciphers without encryption or authentication, those weakened for export, and those broken since."""
    assert is_weak_cipher(name)


@pytest.mark.parametrize(
    "name",
    [
        "TLS_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "DHE-RSA-CHACHA20-POLY1305",
        "AES128-SHA",
        "PSK-AES128-CCM",
        "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384",
    ],
)
def test_other_ciphers(name: str) -> None:
    """Ciphers that encrypt and authenticate are left to Postfix's own settings."""
    assert not is_weak_cipher(name)
