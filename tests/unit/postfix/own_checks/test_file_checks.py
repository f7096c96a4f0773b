"""The doctor's questions about files of certificates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem
from configurations import make_configuration

from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.own_checks.file_checks import check_trust, check_writers

from lab.certificates import Authority
from lab.forgery import resigned

AUTHORITY = Authority.create("Laboratory Authority")


def words(folder: Path, bundle: bytes) -> list[str]:
    """Return the word of each finding about a bundle of trusted authorities."""
    configuration = make_configuration(receive=DomainList.of(Entry("woodgrovebank.test")))
    path = folder / "authorities.pem"
    path.write_bytes(bundle)
    trusting = replace(configuration, trust=replace(configuration.trust, ca_file=path))
    return [finding.word for finding in check_trust(trusting)]


def of_serial_zero() -> bytes:
    """Return an authority's certificate with the serial number 0, as a few old public ones have it."""

    def change(certificate: Any) -> None:
        certificate["tbs_certificate"]["serial_number"] = 0

    return pem.armor("CERTIFICATE", resigned(AUTHORITY, AUTHORITY, change))


def test_what_everybody_may_write_is_named(tmp_path: Path) -> None:
    """The configuration and the folder of the tables are named with their mode, and what is safe is not."""
    path, state = tmp_path / "domain-secure.toml", tmp_path / "state"
    path.touch(mode=0o644)
    (state / "maps").mkdir(parents=True)
    configuration = replace(make_configuration(), path=path, state=state)
    assert list(check_writers(configuration)) == []
    path.chmod(0o666)
    (state / "maps").chmod(0o777)
    state.chmod(0o1777)
    assert [(one.word, one.proof) for one in check_writers(configuration)] == [
        ("writable-by-everybody", f"{path}: mode 0666"),
        ("writable-by-everybody", f"{state / 'maps'}: mode 0777"),
    ]


def test_old_authorities_are_read_in_silence(tmp_path: Path) -> None:
    """Debian's bundle has serial numbers of zero; the library's warning would be an error in these tests."""
    assert words(tmp_path, of_serial_zero()) == []


def test_one_unreadable_authority_does_not_hide_the_others(tmp_path: Path) -> None:
    """What can be read is trusted, as when certificates are judged."""
    broken = pem.armor("CERTIFICATE", b"\x30\x00")
    assert words(tmp_path, broken + AUTHORITY.certificate_pem) == []


@pytest.mark.parametrize("bundle", [b"", b"no certificate", pem.armor("CERTIFICATE", b"\x30\x00")])
def test_a_file_without_authorities(tmp_path: Path, bundle: bytes) -> None:
    """Nothing can be verified with it."""
    assert words(tmp_path, bundle) == ["ca-file-empty"]
