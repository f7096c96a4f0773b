"""``domain-secure agreement`` as two administrators use it."""

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from documents import body

from domain_secure.commands.main import main
from domain_secure.policy.agreement.agreement_file import read_agreement
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.configuration.reading import load, parse
from domain_secure.policy.own.own_certificate import PendingRequest
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.timed_pin import time_text

from lab.certificates import Authority
from unit.policy.own_files import wish

PARTNER, US = "woodgrovebank.test", "contoso.test"
SOON = time_text(datetime.now(UTC) + timedelta(days=3))
Run = Callable[..., int]


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return what makes the configuration of one side; Postfix is not there."""
    monkeypatch.chdir(tmp_path)

    def make(name: str) -> Path:
        folder = tmp_path / name
        (folder / "state").mkdir(parents=True)
        file = folder / "domain-secure.toml"
        file.write_text(
            f'[receive]\ndomains = ["{PARTNER}"]\n[send]\ndomains = ["{PARTNER}"]\n'
            f'[postfix]\nconfig_directory = "{folder}/postfix"\n[paths]\nstate = "{folder}/state"\n'
        )
        (folder / "cert.pem").write_bytes(Authority.create("CA").issue(dns_names=[f"mx.{PARTNER}"]).pem())
        return file

    return make


def export(file: Path, *options: str, domain: str = PARTNER) -> Path:
    """Export an agreement of the side whose configuration is *file*, and return where it is."""
    out = file.parent / "agreement.toml"
    words = ["--our-domain", domain, "--certificate", str(file.parent / "cert.pem"), "--out", str(out)]
    assert main(["--config", str(file), "agreement", "export", *words, *options]) == 0
    return out


def next_key(file: Path) -> PendingRequest:
    """Make the key that the side of a configuration shows next, for the names of its certificate."""
    names = [Entry(f"mx.{PARTNER}")]
    request, _ = OwnCertificates(file.parent / "state").request(
        replace(wish(), names=names), datetime.now(UTC)
    )
    return request


def told_fingerprint(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the fingerprint that the export told."""
    return capsys.readouterr().err.rpartition("with the fingerprint ")[2].strip()


def accept(text: str) -> None:
    """Do what an import printed for it, as the administrator would."""
    commands = [line.strip() for line in text.splitlines() if line.startswith("  domain-secure ")]
    assert commands
    for command in commands:
        assert main([*shlex.split(command)[1:], "--no-wait"]) == 0


def first_accepted(
    theirs: Path, ours: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Accept the first file and key of the other side; commands are ours from now on."""
    file = export(theirs)
    fingerprint = told_fingerprint(capsys)
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(ours))
    assert main(["agreement", "import", str(file), "--key", fingerprint, "--domain", PARTNER]) == 0
    accept(capsys.readouterr().out)


def test_the_first_file_wants_a_confirmed_key_and_then_his_key_is_known(
    side: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused with the fingerprint, then proposed, accepted by a command; the same again is so already."""
    theirs, ours = side("theirs"), side("ours")
    file = export(theirs)
    fingerprint = told_fingerprint(capsys)
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(ours))
    before = ours.read_bytes()
    assert main(["agreement", "import", str(file)]) == 2
    assert fingerprint in capsys.readouterr().err
    assert main(["agreement", "import", str(file), "--key", fingerprint]) == 2
    assert f"speaks for {PARTNER}" in capsys.readouterr().err, "a key does not say for whom it speaks"
    assert main(["agreement", "import", str(file), "--key", "ab" * 32, "--domain", PARTNER]) == 2
    assert "another key has signed it" in capsys.readouterr().err
    assert main(["agreement", "import", str(file), "--key", fingerprint, "--domain", PARTNER]) == 0
    assert ours.read_bytes() == before, "nothing is changed by an import"
    accept(capsys.readouterr().out)
    rule = load(ours).partners[Entry(PARTNER)]
    assert rule.agreement_key is not None
    assert len(rule.pins) == 1
    capsys.readouterr()
    assert main(["agreement", "import", str(file)]) == 0
    assert "already so" in capsys.readouterr().out
    assert main(["agreement", "diff", str(file)]) == 0


def test_a_roll_over_is_announced_accepted_and_begins_by_itself(
    side: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next key is that of a request that waits; the present one gets an end."""
    theirs, ours = side("theirs"), side("ours")
    first_accepted(theirs, ours, monkeypatch, capsys)
    (present,) = load(ours).partners[Entry(PARTNER)].pins
    request = next_key(theirs)
    second = export(theirs, "--next-from", SOON, "--overlap", "2d")
    capsys.readouterr()
    assert main(["agreement", "diff", str(second)]) == 1
    assert main(["agreement", "import", str(second)]) == 0
    accept(capsys.readouterr().out)
    rule = parse(ours.read_bytes(), ours).partners[Entry(PARTNER)]
    timed = {one.pin.digest: (one.begins, one.ends) for one in rule.timed_pins}
    assert timed[request.identifier] == (datetime.fromisoformat(SOON), None)
    assert timed[present.digest] == (None, datetime.fromisoformat(SOON) + timedelta(days=2))
    assert rule.pins == frozenset()
    assert load(ours).partners[Entry(PARTNER)].pins == {present}


def test_an_older_file_does_not_replace_a_newer_one(
    side: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even in the same second each file is later than the one before."""
    theirs, ours = side("theirs"), side("ours")
    older = export(theirs).rename(theirs.parent / "older.toml")
    fingerprint = told_fingerprint(capsys)
    newer = export(theirs)
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(ours))
    options = ["--key", fingerprint, "--domain", PARTNER]
    assert main(["agreement", "import", str(newer), *options]) == 0
    accept(capsys.readouterr().out)
    assert main(["agreement", "import", str(older), *options]) == 2
    assert "older than the one accepted" in capsys.readouterr().err


def test_an_ended_file_is_refused_also_by_a_clock_that_is_behind(
    side: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of the state folder bears witness that its end has been."""
    theirs, ours = side("theirs"), side("ours")
    file = export(theirs, "--valid-for", "1d")
    fingerprint = told_fingerprint(capsys)
    witness = ours.parent / "state" / "history.db"
    witness.write_bytes(b"")
    later = (datetime.now(UTC) + timedelta(days=2)).timestamp()
    os.utime(witness, (later, later))
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(ours))
    assert main(["agreement", "import", str(file), "--key", fingerprint, "--domain", PARTNER]) == 2
    error = capsys.readouterr().err
    assert "has ended" in error
    assert "is behind" in error


def test_a_known_key_speaks_for_no_other_domain(
    side: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A partner's file that names another's domain is refused; what is his alone may be asked for."""
    theirs, ours = side("theirs"), side("ours")
    first_accepted(theirs, ours, monkeypatch, capsys)
    more = export(theirs, "--our-domain", "fabrikam.test")
    capsys.readouterr()
    assert main(["agreement", "import", str(more)]) == 2
    assert "fabrikam.test" in capsys.readouterr().err
    assert main(["agreement", "import", str(more), "--domain", PARTNER]) == 0
    assert "partner set fabrikam" not in capsys.readouterr().out
    assert main(["agreement", "import", str(more), "--domain", "evil.test"]) == 2


def test_documents_say_the_same(
    side: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of the three, by its schema; the script holds the commands."""
    theirs, ours = side("theirs"), side("ours")
    file = export(theirs, "--json")
    exported: dict[str, Any] = body(capsys.readouterr().out)
    assert exported["domains"] == [PARTNER]
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(ours))
    options = ["--key", exported["fingerprint"], "--domain", PARTNER, "--out", "accept.sh"]
    assert main(["agreement", "import", str(file), *options, "--json"]) == 0
    imported = body(capsys.readouterr().out)
    (proposal,) = imported["proposals"]
    assert imported["agreement"]["fingerprint"] == exported["fingerprint"]
    assert proposal["command"] in Path("accept.sh").read_text()
    assert main(["agreement", "diff", str(file), "--json"]) == 1
    assert body(capsys.readouterr().out)["proposals"] == imported["proposals"]


def test_nothing_is_exported_by_halves(
    side: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without domains, without a certificate, with a next key that is none, or a time that is past."""
    file = side("theirs")
    command = ["--config", str(file), "agreement", "export"]
    certificate = ["--certificate", str(file.parent / "cert.pem"), "--our-domain", PARTNER]
    for options, word in (
        ([], "domains"),
        (["--our-domain", PARTNER], "certificates"),
        ([*certificate, "--next-from", SOON], "no next key"),
    ):
        assert main([*command, *options]) == 2
        assert word in capsys.readouterr().err
    OwnCertificates(file.parent / "state").request(wish(), datetime.now(UTC))
    assert main([*command, *certificate, "--next-from", "2001-01-01"]) == 2
    assert "is past" in capsys.readouterr().err


def test_no_end_is_announced_of_a_key_that_nothing_follows(
    side: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate for other names has a next key of its own, which nobody here knows."""
    file = side("theirs")
    other = file.parent / "other.pem"
    other.write_bytes(Authority.create("CA").issue(dns_names=["mx2.contoso.test"]).pem())
    next_key(file)
    exported = export(file, "--certificate", str(other), "--next-from", SOON)
    keys = {one.public_key: one for one in read_agreement(exported.read_bytes(), "").agreement.keys}
    named = [read_certificates((file.parent / name).read_bytes())[0] for name in ("cert.pem", "other.pem")]
    assert [keys[one.public_key_pin].ends is not None for one in named] == [True, False]
    assert f"no end is announced of {named[1].public_key_pin}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--valid-for", "999999w"], "no calendar has this time"),
        (["--next-from", "9999-12-31"], "no calendar has this time"),
        (["--valid-for", "0s"], "'0s' is not a time"),
        (["--next-from", "2027-01-31T12:00:00"], "is a time without a zone"),
        (["--our-domain", "a..b"], "a..b"),
    ],
)
def test_a_time_that_is_none_is_told(
    side: Callable[[str], Path], capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    """In words for whoever typed it, be it too far away or no time at all."""
    file = side("theirs")
    next_key(file)
    command = ["--config", str(file), "agreement", "export", "--our-domain", PARTNER]
    try:
        code = main([*command, "--certificate", str(file.parent / "cert.pem"), *options])
    except SystemExit as left:
        code = int(left.code or 0)
    assert code == 2
    said = capsys.readouterr().err
    assert told in said
    assert "invalid " not in said


def test_a_rule_of_its_own_says_what_the_one_followed_so_far_said(
    side: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a rule for all subdomains nothing holds for one that has its own, which is not to be weaker."""
    theirs, ours = side("theirs"), side("ours")
    below = f"mail.{PARTNER}"
    pin = f"sha256:{'ab' * 32}"
    ours.write_text(
        ours.read_text().replace(f'["{PARTNER}"]', f'["*.{PARTNER}"]')
        + f'[partner."*.{PARTNER}"]\nmode = "observe"\nmethods = ["pin"]\nrequire = ["dkim"]\n'
        f'minimum_tls = "TLSv1.3"\nnames = ["{PARTNER}", "contoso.test"]\nsend_method = "dane"\n'
        f'pins = ["{pin}"]\nvia = "[relay.{PARTNER}]"\nservername = "mx.{PARTNER}"\nmx = ["mx.{PARTNER}"]\n'
    )
    former = load(ours).partner(Entry(below))
    file = export(theirs, domain=below)
    fingerprint = told_fingerprint(capsys)
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(ours))
    command = ["agreement", "import", str(file), "--key", fingerprint, "--domain", below]
    assert main(command) == 0
    told = capsys.readouterr().out
    for name in ("receive", "send"):
        assert f"first domain-secure {name} add {below}" in told, "as long as it is listed with the others"
        assert main([name, "add", below, "--no-wait"]) == 0
    assert load(ours).partner(Entry(below)) == former
    capsys.readouterr()
    assert main(command) == 0
    accept(capsys.readouterr().out)
    rule = load(ours).partners[Entry(below)]
    accepted = {
        name: getattr(rule, name) for name in ("agreement_key", "agreement_issued", "agreement_until")
    }
    assert pin not in set(map(str, rule.pins)), "the partner no longer announces it"
    assert rule == replace(former, entry=Entry(below), pins=rule.pins, **accepted)


def test_our_own_file_is_not_read_as_a_partners(
    side: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is confirmed of it: its keys are those of this side."""
    file = side("ours")
    exported = export(file)
    key = told_fingerprint(capsys)
    command = ["--config", str(file), "agreement", "import", str(exported), "--key", key, "--domain", PARTNER]
    assert main(command) == 2
    assert "this is our own file" in capsys.readouterr().err
