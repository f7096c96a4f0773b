"""``partner show``, ``set`` and ``pin`` as a person uses them."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from documents import body

from domain_secure.commands.main import main
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

DIGEST = "ab" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration with one listed partner, one listed wildcard and a state folder of its own."""
    file = tmp_path / "domain-secure.toml"
    file.write_text("""\
[receive]
domains = ["a.test", "*.fabrikam.test"]
[send]
domains = ["mail.fabrikam.test"]
[partner."fabrikam.test"]
minimum_tls = "TLSv1.3"
[paths]
state = "state"
""")
    return file


def show(path: Path, domain: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the document that ``partner show --json`` prints."""
    capsys.readouterr()
    assert main(["--config", str(path), "partner", "show", domain, "--json"]) == 0
    return body(capsys.readouterr().out)


def test_show_fills_in_the_defaults(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A partner without a table is shown with the rule that holds for it."""
    assert show(path, "A.test", capsys) == {
        "domain": "a.test",
        "receive": "a.test",
        "send": None,
        "rule": "defaults",
        "names": ["a.test"],
        "receive_names": ["a.test"],
        "send_names": ["a.test"],
        "require": [],
        "methods": ["pin", "pkix", "dane"],
        "send_method": "pkix",
        "mode": "enforce",
        "bypass": None,
        "bypasses_problem": None,
        "pins": [],
        "timed_pins": [],
        "agreement_key": None,
        "agreement_issued": None,
        "agreement_until": None,
        "minimum_tls": "TLSv1.2",
        "mx": [],
        "via": None,
        "servername": None,
        "send_ca_file": None,
        "certificates": [],
        "distrusted": [],
        "certificate_details": [],
        "certificates_problem": None,
        "onboarding": None,
        "onboarding_problem": None,
    }


def test_show_follows_the_wildcard(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain that a wildcard covers is shown with the wildcard's rule."""
    document = show(path, "www.fabrikam.test", capsys)
    assert document["receive"] == "*.fabrikam.test"
    assert document["rule"] == 'partner."fabrikam.test"'
    assert document["minimum_tls"] == "TLSv1.3"
    assert document["names"] == ["fabrikam.test"]


def test_show_says_where_the_directions_differ(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain that the two lists cover by different entries may follow two rules."""
    assert main(["--config", str(path), "partner", "show", "mail.fabrikam.test"]) == 0
    captured = capsys.readouterr()
    assert "partner show mail.fabrikam.test`" in captured.err
    assert "KEY" in captured.out
    assert "TLSv1.3" in captured.out


def test_set_says_where_it_wrote(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys are set together; lists are separated by commas; what is so already is no fault."""
    command = ["--config", str(path), "partner", "set", "a.test"]
    assert main([*command, "names=a.test,mail.a.test", "mode=observe"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"written: {path}\n"
    assert "the daemon does not run" in captured.err
    assert show(path, "a.test", capsys)["names"] == ["a.test", "mail.a.test"]
    assert main([*command, "mode=observe", "--no-wait"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("already so: a.test has mode=observe\n", "")


def test_nothing_behind_a_key_is_the_default(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """KEY= goes back to it, with a word that names what says so plainly."""
    command = ["--config", str(path), "partner", "set", "a.test", "--no-wait"]
    assert main([*command, "names=a.test,mail.a.test", "mode=observe"]) == 0
    capsys.readouterr()
    assert main([*command, "names=", "mode="]) == 0
    assert "mode goes back to its default: `domain-secure partner reset a.test mode`" in (
        capsys.readouterr().err
    )
    document = show(path, "a.test", capsys)
    assert (document["names"], document["mode"]) == (["a.test"], "enforce")


def test_pins_in_other_spellings(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Digests are taken as openssl, RFC 7469 and curl write them, and kept in one spelling."""
    octets = bytes.fromhex(DIGEST)
    colons = ":".join([DIGEST[:2].upper()] * 32)
    encoded = base64.b64encode(octets).decode()
    command = ["--config", str(path), "partner"]
    assert main([*command, "pin", "a.test", f"SHA256 Fingerprint={colons}", f"sha256//{encoded}"]) == 0
    both = [f"sha256:{DIGEST}", f"spki-sha256:{DIGEST}"]
    assert show(path, "a.test", capsys)["pins"] == both
    assert main([*command, "set", "a.test", f"pins=sha256:{colons},spki-sha256:{encoded}"]) == 0
    assert show(path, "a.test", capsys)["pins"] == both
    assert all(f'"{pin}"' in path.read_text() for pin in both)


def test_bare_digest_is_taken_where_it_was_seen(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a digest that was seen it is known what it is of; of another that must be said."""
    command = ["--config", str(path), "partner", "pin", "a.test", DIGEST]
    assert main(command) == 2
    assert f"write sha256:{DIGEST} or spki-sha256:{DIGEST}" in capsys.readouterr().err
    book = CertificateBook(path.parent / "state" / FILE_NAME)
    seen = Pin.certificate("12" * 32), Pin.public_key(DIGEST)
    book.note_pending(*seen, Entry("a.test"), "192.0.2.1", datetime.now(UTC))
    book.close()
    assert main(command) == 0
    assert show(path, "a.test", capsys)["pins"] == [f"spki-sha256:{DIGEST}"]


def test_names_by_direction(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`receive_names` and `send_names` stand in the place of `names`, which goes on counting for both."""
    command = ["--config", str(path), "partner", "set", "a.test"]
    assert main([*command, "names=b.test", "send_names=mx.test"]) == 0
    document = show(path, "a.test", capsys)
    assert (document["names"], document["receive_names"]) == (["b.test"], ["b.test"])
    assert document["send_names"] == ["mx.test"]


def test_recipe_of_a_gateway(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A word sets the names by direction and the signature, in any spelling, and is not itself a key."""
    command = ["--config", str(path), "partner", "set", "a.test"]
    assert main([*command, "gateway=Google-Workspace"]) == 0
    captured = capsys.readouterr()
    assert "receive_names smtp.gmail.com" in captured.out
    assert "DKIM signature of its own domain" in captured.err
    document = show(path, "a.test", capsys)
    assert document["receive_names"] == ["smtp.gmail.com"]
    assert "mx.google.com" in document["send_names"]
    assert document["require"] == ["dkim"]
    assert "gateway" not in path.read_text()
    assert main([*command, "gateway="]) == 0
    document = show(path, "a.test", capsys)
    assert (document["rule"], document["send_names"], document["require"]) == ("defaults", ["a.test"], [])


def test_recipe_gives_way_to_what_is_asked_for(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who wants no signature says so, and is told what that gives away."""
    command = ["--config", str(path), "partner", "set", "a.test", "gateway=mimecast", "require="]
    assert main(command) == 0
    assert "without require=dkim each of them may send as a.test" in capsys.readouterr().err
    assert show(path, "a.test", capsys)["require"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "b.test"], "b.test is on no list; did you mean a.test?"),
        (["set", "b.test", "mode=observe"], "b.test is on no list; did you mean a.test?"),
        (["pin", "b.test", f"sha256:{DIGEST}"], "b.test is on no list; did you mean a.test?"),
        (["unpin", "b.test", f"sha256:{DIGEST}"], "b.test is on no list; did you mean a.test?"),
        (["reset", "b.test", "mode"], "b.test is on no list; did you mean a.test?"),
        (["set", "www.fabrikam.test", "mode=observe"], "is listed as *.fabrikam.test"),
        (["set", "unlike.example", "mode=observe"], "unlike.example is on no list: partner set"),
    ],
)
def test_a_typing_error_writes_nothing(
    path: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A domain that is on no list is told in one line, with the one that may be meant; the status is 1."""
    before = path.read_bytes()
    assert main(["--config", str(path), "partner", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert path.read_bytes() == before


def test_rule_that_nothing_follows_is_noted(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --force it is written all the same, with a note; from then on it is shown and edited without."""
    command = ["--config", str(path), "partner"]
    for domain in ("other.test", "www.fabrikam.test"):
        assert main([*command, "set", domain, "mode=observe", "--force"]) == 0
        assert "no effect yet" in capsys.readouterr().err
    assert main([*command, "set", "other.test", "mode=enforce"]) == 0
    assert show(path, "other.test", capsys)["mode"] == "enforce"
    assert main([*command, "show", "unlike.example", "--force"]) == 0
    capsys.readouterr()
    assert main([*command, "set", "*.fabrikam.test", "mode=observe", "--no-wait"]) == 0
    assert capsys.readouterr().err == ""


def test_a_rule_for_what_a_wildcard_covers(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The entry `*.fabrikam.test` also follows a rule of `fabrikam.test`, and one of `*.test` above it."""
    text = path.read_text()
    path.write_text(text.replace('[partner."fabrikam.test"]\nminimum_tls = "TLSv1.3"\n', ""))
    command = ["--config", str(path), "partner", "set", "--no-wait"]
    assert main([*command, "fabrikam.test", "mode=observe"]) == 0
    assert capsys.readouterr().err == ""


def test_a_first_rule_makes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is configured, nothing is listed, and a rule is written for those who mean it."""
    path = tmp_path / "new.toml"
    command = ["--config", str(path), "partner", "set", "a.test", "mode=observe"]
    assert main(command) == 1
    assert not path.exists()
    assert main([*command, "--force"]) == 0
    assert path.exists()
    assert "no effect yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["set", "a.test", "sendmethod=dane"], "unknown key of a partner; did you mean send_method?"),
        (["reset", "a.test", "modus"], "unknown key of a partner; did you mean mode?"),
        (["unpin", "a.test", "sha256:12"], "'sha256:12'"),
        (["set", "a.test", "observe"], "'observe': write for example mode=observe"),
        (["set", "a.test", "methods=pin,spf"], "methods=pin,spf"),
        (["set", "co.uk", "mode=observe"], "public suffix"),
        (["set", "a.test", "gateway=exchange"], "gateway=exchange: write one of exchange-online"),
        (["pin", "a.test", "sha256:12"], "'sha256:12'"),
        (["show", "a b"], "'a b'"),
    ],
)
def test_bad_argument_is_named(
    path: Path, arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with an argument is told with the argument, and nothing is written."""
    before = path.read_bytes()
    assert main(["--config", str(path), "partner", *arguments]) == 2
    assert text in capsys.readouterr().err
    assert path.read_bytes() == before


def test_pins_are_appended(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Digests in any spelling are kept in one, and pinning again changes nothing."""
    spelled = ":".join(["AB"] * 32)
    assert main(["--config", str(path), "partner", "pin", "a.test", f"sha256:{spelled}"]) == 0
    assert show(path, "a.test", capsys)["pins"] == [f"sha256:{DIGEST}"]
    assert main(["--config", str(path), "partner", "pin", "a.test", f"sha256:{DIGEST}"]) == 0
    assert capsys.readouterr().out == f"already so: pinned for a.test: sha256:{DIGEST}\n"
