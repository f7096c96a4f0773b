"""What ``status`` tells of our certificates that somebody else renews."""

from pathlib import Path

import pytest

from domain_secure.commands.status.status_document import status_document
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.watch_list import Watched, WatchList
from domain_secure.policy.own.watched_certificates import ACCEPTED

from lab.certificates import SERVER
from unit.policy.own_files import HOST, NAME, SUB, take_in


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A configuration, and a watched file with the certificate in use."""
    (tmp_path / "domain-secure.toml").write_text(
        f'[metrics]\nlisten = "127.0.0.1:1"\n[paths]\nstate = "{tmp_path}"\n'
    )
    place = tmp_path / "live.pem"
    place.write_bytes(HOST.pem(key=True))
    own = take_in(tmp_path, HOST.pem(key=True))
    EnabledCertificates(tmp_path).enable(own, Role)
    watched = Watched(place, None, None, "", exportable=False, accepted=ACCEPTED, certificate=own.sha256)
    WatchList(tmp_path / "domain-secure.watched.json", tmp_path).watch(watched)
    return place


def told(place: Path) -> list[tuple[str, str, str]]:
    """Return what is told of the watched place: how it stands, why, and what to do."""
    document = status_document(place.with_name("domain-secure.toml"), connectors=False)
    assert document["renewals_problem"] is None
    assert all(one["path"] == str(place) for one in document["renewals"])
    return [(one["standing"], one["detail"], one["fix"]) for one in document["renewals"]]


def test_renewals_are_told(place: Path) -> None:
    """Nothing of the certificate in use; then of one that waits, and one that is refused, what to do."""
    assert told(place) == []
    place.write_bytes(SUB.issue(NAME, dns_names=[NAME]).pem(key=True))
    ((standing, _, fix),) = told(place)
    assert (standing, "cert refresh" in fix) == ("waits", True)
    place.write_bytes(SUB.issue(NAME, dns_names=[NAME], purposes=[SERVER]).pem(key=True))
    ((standing, detail, fix),) = told(place)
    assert standing == "refused"
    assert "purpose" in detail
    assert "TLS servers and clients" in fix
    assert f"cert import {place} --watch --enable --accept purpose" in fix
    place.write_bytes(b"nothing")
    ((standing, _, fix),) = told(place)
    assert (standing, "put a PFX there" in fix) == ("unusable", True)


def test_a_list_that_cannot_be_read_is_no_empty_one(place: Path) -> None:
    """It says so."""
    place.with_name("domain-secure.watched.json").write_text("{")
    document = status_document(place.with_name("domain-secure.toml"), connectors=False)
    assert "damaged" in document["renewals_problem"]
