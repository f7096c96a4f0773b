"""docs/schema: what commands answer is what is published, for every command, and nothing stays behind."""

import json
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest
from documents import SCHEMAS, checked
from scratch_postfix import Scratch, make_scratch

from domain_secure.commands.command_line import WITHOUT_DOCUMENT
from domain_secure.commands.main import main
from domain_secure.commands.whole_parser import whole_parser, words_of
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from lab.certificates import Authority

ROOT = Path(__file__).parents[2]
PIN, OTHER = f"sha256:{'ab' * 32}", f"sha256:{'cd' * 32}"
BESIDES = {"words.json", "log-show-follow.json"}  #: of no command


def leaves(parser: ArgumentParser, words: str = "") -> Iterator[tuple[str, ArgumentParser]]:
    """Yield each command with the words that lead to it."""
    below = words_of(parser)
    if not below:
        yield words, parser
    for word, one in below.items():
        yield from leaves(one, f"{words} {word}".strip())


LEAVES = dict(leaves(whole_parser()))
DOCUMENTED = sorted(set(LEAVES) - set(WITHOUT_DOCUMENT))


@pytest.mark.parametrize("words", sorted(LEAVES))
def test_every_command_answers_or_says_why_not(words: str) -> None:
    """Each action of the parser takes ``--json`` and has its schema, apart from a short list with reasons."""
    options = LEAVES[words]._option_string_actions
    schema = SCHEMAS / f"{words.replace(' ', '-')}.json"
    if words in WITHOUT_DOCUMENT:
        assert WITHOUT_DOCUMENT[words]
        assert "--json" not in options
        assert not schema.exists()
    else:
        assert "--json" in options
        assert schema.exists(), "describe it in manual/schema_*.py, then run ./dev schema"


def test_no_schema_stays_behind() -> None:
    """A command that is gone has no schema, and a reason is given for no command that is none."""
    expected = {f"{words.replace(' ', '-')}.json" for words in DOCUMENTED} | BESIDES
    assert {path.name for path in SCHEMAS.iterdir()} == expected
    assert set(WITHOUT_DOCUMENT) <= set(LEAVES)


def test_they_are_what_the_code_says(tmp_path: Path) -> None:
    """The words of each enumeration are those of the code; ``./dev schema`` writes them anew."""
    subprocess.run([sys.executable, ROOT / "manual" / "schemas.py", tmp_path], check=True, timeout=60)
    for made in tmp_path.iterdir():
        assert (SCHEMAS / made.name).read_text() == made.read_text(), made.name


@pytest.mark.parametrize("path", sorted(SCHEMAS.iterdir()), ids=lambda path: path.name)
def test_each_is_a_schema(path: Path) -> None:
    """Of the draft it names, with an identifier of its own."""
    schema = json.loads(path.read_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f":{path.stem}")
    jsonschema_rs.meta.validate(schema)


def properties(schema: object) -> Iterator[str]:
    """Yield every key that a schema names."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from properties(value)


@pytest.mark.parametrize("path", sorted(SCHEMAS.iterdir()), ids=lambda path: path.name)
def test_keys_are_written_alike(path: Path) -> None:
    """Each key is lower-case, with underscores."""
    for key in properties(json.loads(path.read_text())):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", key), key


@pytest.mark.parametrize("words", DOCUMENTED)
def test_wrong_use_fits_the_schema(words: str) -> None:
    """The document of an error has its head alone."""
    schema = json.loads((SCHEMAS / f"{words.replace(' ', '-')}.json").read_text())
    head = {
        "version": 1,
        "command": words,
        "exit_status": 2,
        "error": {"what": "a", "where": "b", "fix": "c"},
        "said": [],
        "notes": [],
    }
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(head)
    assert not validator.is_valid(head | {"error": "text"})
    assert not validator.is_valid(head | {"command": "another"})


class Story:
    """One after the other, what an administrator may do on a machine without mail."""

    def __init__(self, scratch: Scratch, capture: pytest.CaptureFixture[str]) -> None:
        self.scratch = scratch
        self.capture = capture
        self.answered: dict[str, int] = {}

    def __call__(self, *arguments: str | Path) -> dict[str, object]:
        """Run a command with ``--json``; return its document, once it fits its schema."""
        self.capture.readouterr()
        status = main(["--config", str(self.scratch.configuration), *map(str, arguments), "--json"])
        document = checked(self.capture.readouterr().out)
        assert document["exit_status"] == status
        if document["error"] is None:
            self.answered[document["command"]] = status
        return document


@pytest.fixture
def story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Story:
    """A machine with a Postfix that does not run, and a configuration in which nothing is listed."""
    scratch = make_scratch(tmp_path)
    scratch.configure('[trust]\nca_file = "/etc/ssl/certs/ca-certificates.crt"\n')
    return Story(scratch, capsys)


#: What needs a store, a daemon or a partner's server: tests/real holds those against their schemas.
ELSEWHERE = {
    "cert refresh", "cert revocation refresh", "fleet accept", "fleet init", "fleet join", "fleet leave",
    "fleet log", "fleet revert", "fleet set", "fleet sign", "fleet status", "give-up",
    "partner add", "probe", "setup",
}  # fmt: skip


def test_what_commands_answer_fits_their_schemas(story: Story, tmp_path: Path) -> None:
    """Every command that can do its work here does it, and each document is what is published."""
    _lists_and_rules(story, tmp_path)
    thumbprint = _certificates(story, tmp_path)
    _postfix(story)
    story("cert", "remove", thumbprint)
    _questions(story, tmp_path)
    _agreements(story, tmp_path)
    assert set(DOCUMENTED) - set(story.answered) - ELSEWHERE == set()


def _agreements(run: Story, folder: Path) -> None:
    shown, file = folder / "shown.pem", folder / "agreement.toml"
    shown.write_bytes(Authority.create("CA").issue(dns_names=["mx.contoso.test"]).pem())
    theirs = folder / "theirs.toml"
    theirs.write_text(f'[paths]\nstate = "{folder / "theirs"}"\n[postfix]\nconfig_directory = "{folder}"\n')
    exporting = ["--our-domain", "woodgrovebank.test", "--certificate", str(shown), "--out", str(file)]
    assert main(["--config", str(theirs), "agreement", "export", *exporting, "--json"]) == 0
    fingerprint = checked(run.capture.readouterr().out)["fingerprint"]
    run("agreement", "import", file, "--key", fingerprint, "--domain", "woodgrovebank.test")
    run("agreement", "export", "--our-domain", "contoso.test", "--certificate", shown, "--out", file)
    run("agreement", "diff", file)
    run("partner", "invite", "woodgrovebank.test", "--out", folder / "invite.txt")


def _lists_and_rules(run: Story, folder: Path) -> None:
    for name in ("receive", "send"):
        assert run(name, "add", "a.test", "b.test")["added"] == ["a.test", "b.test"]
        assert run(name, "add", "a.test")["unchanged"] == ["a.test"]
        assert run(name, "remove", "b.test")["removed"] == ["b.test"]
        run(name, "set", "a.test", "*.c.test")
        run(name, "confirm")
        assert run(name, "list")["domains"] == ["a.test", "*.c.test"]
        run("log", name, "verbose", "a.test", "--for", "1h")
    run("partner", "show", "a.test")
    run("partner", "set", "a.test", "mode=observe", "methods=pin,pkix")
    run("partner", "pin", "a.test", PIN)
    run("partner", "unpin", "a.test", PIN)
    run("partner", "reset", "a.test", "mode")
    assert run("partner", "list")["partners"]
    assert run("partner", "bypass")["bypasses"] == []
    assert run("promote")["waiting"] == []
    run("partner", "remove", "*.c.test")
    run("config", "test")
    run("help", "receive", "add")
    server = Authority.create("Root").issue("mail.a.test", dns_names=("mail.a.test",))
    file = folder / "partner.pem"
    file.write_bytes(server.pem())
    digest = str(run("partner", "cert", "add", "a.test", file)["sha256"]).partition(":")[2]
    assert run("partner", "cert", "list", "a.test")["certificates"]
    assert run("partner", "cert", "distrust", digest)["error"] is None
    run("partner", "cert", "undistrust", digest)
    run("partner", "cert", "remove", "a.test", digest)
    with closing(CertificateBook(run.scratch.state / FILE_NAME)) as book:
        book.note_pending(Pin.parse(OTHER), None, Entry("a.test"), "192.0.2.1", datetime.now(UTC))
    assert run("pending")["pending"]
    run("fleet", "trust", str(run("fleet", "key", folder / "key")["key"]))
    assert run("fleet", "status")["error"]


def _certificates(run: Story, folder: Path) -> str:
    made = run(
        "cert", "request", "--domain", "mail.contoso.test", "--exportable", "--out", folder / "request"
    )
    run("cert", "ca", "init", "--domain", "contoso.test", "--out", folder / "root")
    run("cert", "ca", "issue", folder / "request", "--out", folder / "issued")
    run("cert", "ca", "list")
    thumbprint = str(run("cert", "import", folder / "issued")["thumbprint"])
    assert made["written"] == [str(folder / "request")]
    assert run("cert", "list")["certificates"]
    run("cert", "show", thumbprint)
    run("cert", "enable", thumbprint, "--force")
    password = folder / "password"
    password.write_text("a long password\n")
    password.chmod(0o600)
    run("cert", "export", thumbprint, "--out", folder / "pfx", "--password-file", password)
    run("cert", "ca", "revoke", thumbprint)
    return thumbprint


def _postfix(run: Story) -> None:
    run.scratch.set("smtpd_tls_security_level = may")
    run("generate")
    run("generate", "--check")
    run("attach", "--dry-run")
    assert run("attach")["changed"]
    assert run("check")["findings"]
    run("connector", "list")
    run("connector", "show", "smtp/inet")
    run("connector", "set", "smtp/inet", "domain-secure=off", "--dry-run")
    run("detach", "--dry-run")
    assert run("detach")["places"]
    run("socket-folder")


def _questions(run: Story, folder: Path) -> None:
    run("explain", "--from", "x@a.test", "--client", "192.0.2.1", "--fingerprint", "ab" * 32)
    run("log", "show")
    run("report")
    run("report", "--out", folder / "report")
    run("whatif")
    log = folder / "log"
    log.write_text("")
    run("suggest", "--file", log)
    settings = ROOT / "tests" / "data" / "importing"
    run("import", "exchange", settings / "transport-config.txt")
    run("import", "exim", settings / "exim.conf")
    run("import", "tls-policy", settings / "tls_policy")
    run("import", "sendmail", settings / "access")
    run("status")
    run("top")
