"""``domain-secure import`` as a person uses it."""

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from documents import body
from hypothesis import given
from hypothesis import strategies as st
from scratch_postfix import make_scratch

from domain_secure.commands.main import main
from domain_secure.policy.configuration.configuration import SendMethod
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.importing import tls_policy
from domain_secure.policy.importing.source_text import SourceText
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.tls import TlsVersion
from domain_secure.postfix.tables.tables import Dialect, policy_of

from unit.policy.builders import partner

DATA = Path(__file__).parents[3] / "data" / "importing"
EXCHANGE = [str(DATA / name) for name in ("transport-config.txt", "connectors.txt", "certificates.txt")]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a configuration."""
    monkeypatch.setenv("DOMAIN_SECURE_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.chdir(tmp_path)


def test_what_is_printed_is_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what has no equivalent as comments; config test accepts it, and no file was written."""
    assert main(["import", "exchange", *EXCHANGE]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text)["send"]["domains"] == ["woodgrovebank.com", "fabrikam.com"]
    assert "FutureSetting" in text
    assert not list(tmp_path.iterdir())
    (tmp_path / "new.toml").write_text(text)
    assert main(["config", "test", "new.toml"]) == 0


def test_it_is_written_where_it_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a file that was not there; one that is there stays as it is."""
    command = ["import", "exchange", *EXCHANGE, "--observe", "--out", "new.toml"]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("written: new.toml\n2 domains to receive from")
    text = (tmp_path / "new.toml").read_text()
    assert tomllib.loads(text)["mode"] == "observe"
    assert main(command) == 2
    assert ": new.toml: name another file" in capsys.readouterr().err
    assert (tmp_path / "new.toml").read_text() == text


def test_the_document_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Each thing with its file and line."""
    assert main(["import", "exchange", *EXCHANGE, "--json"]) == 0
    document = body(capsys.readouterr().out)
    assert document["receive"] == ["woodgrovebank.com", "fabrikam.com"]
    assert {"file", "line", "what", "reason"} == document["left_out"][0].keys()
    assert tomllib.loads(document["configuration"])["log"] == {"send": "verbose"}


def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With file and line, and nothing on standard output."""
    (tmp_path / "table.txt").write_text("Identity Enabled\n-------- -------\n")
    assert main(["import", "exchange", "table.txt"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "table.txt:1: print it with" in captured.err
    assert main(["import", "exchange", "missing.txt"]) == 2


def test_a_file_cannot_get_out_of_its_comment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever controls stand in a name or a value."""
    name = 'x\r[receive]\rdomains = ["evil.test"]'
    (tmp_path / name).write_text("TLSSendDomainSecureList : {a.test}\nOddName : \x1b[2J\u2028x\n")
    assert main(["import", "exchange", name]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text) == {"send": {"domains": ["a.test"]}}
    assert "\x1b" not in text


@pytest.mark.parametrize("kind", ["hash", "btree", "lmdb", "cdb", "texthash"])
def test_a_table_of_postfix_is_listed(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of each type that postmap can make here: what it holds is what its text says."""
    (tmp_path / "scratch").mkdir()
    make_scratch(tmp_path / "scratch")
    folder = tmp_path / "scratch" / "postfix"
    source = tmp_path / "tls_policy"
    source.write_text("a.test secure\n  match=mx.b.test\n.c.test may\n")
    made = subprocess.run(["postmap", "-c", folder, f"{kind}:{source}"], check=False, capture_output=True)
    if kind != "texthash" and made.returncode:
        pytest.skip(f"this Postfix makes no table of type {kind}")
    Path(tmp_path / "none.toml").write_text(f'[postfix]\nconfig_directory = "{folder}"\n')
    assert main(["import", "tls-policy", f"{kind}:{source}", "--json"]) == 0
    document = body(capsys.readouterr().out)
    assert document["send"] == ["a.test"]
    assert document["partners"] == [{"domain": "a.test", "keys": {"mx": ["mx.b.test"]}}]
    assert [one["what"] for one in document["left_out"]] == [".c.test may"]


def test_a_table_that_does_not_list_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that answers questions only, and a compiled file without its type."""
    assert main(["import", "tls-policy", "ldap:/etc/postfix/ldap.cf"]) == 2
    assert "does not list what it has: ldap:/etc/postfix/ldap.cf: name the text" in capsys.readouterr().err
    (tmp_path / "policy.db").write_bytes(b"\0" * 10)
    assert main(["import", "tls-policy", "policy.db"]) == 2
    told = "policy.db: name the text it is made of, or the table as main.cf does, such as"
    assert f"{told} hash:{tmp_path}/policy" in capsys.readouterr().err
    assert main(["import", "sendmail", "policy.db"]) == 2
    assert capsys.readouterr().err.endswith("policy.db: name the text it is made of\n")


def test_all_files_together_have_one_bound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Many are no more than one; a file that is named twice is read once."""
    for name in "ab":
        (tmp_path / name).write_bytes(b"# " + b"x" * (9 * 1024 * 1024) + b"\n")
    assert main(["import", "sendmail", "a", "a"]) == 0
    assert main(["import", "sendmail", "a", "b"]) == 2
    assert "with this file it is more than 16 MiB: b: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "text", "send"),
    [
        ("tls-policy", "a.test secure\n", ["a.test"]),
        ("sendmail", "TLS_Rcpt:a.test VERIFY\n", ["a.test"]),
        ("exim", "begin transports\nx:\n hosts_require_dane = a.test\n", ["a.test"]),
        ("exim", "primary_hostname = x\n", []),
    ],
)
def test_each_source_proposes_and_changes_nothing(
    tmp_path: Path, source: str, text: str, send: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As a document that its schema takes, and as a configuration."""
    (tmp_path / "file").write_text(text)
    assert main(["import", source, "file", "--json"]) == 0
    assert body(capsys.readouterr().out)["send"] == send
    assert main(["import", source, "file"]) == 0
    assert tomllib.loads(capsys.readouterr().out).get("send", {}).get("domains", []) == send
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file"]


_HOSTS = st.sampled_from(["a.test", "b.test", "mx.b.test", "mail.c.test"])
_NAMES = st.lists(_HOSTS.map(Domain), unique=True, max_size=3).map(tuple)


@given(
    st.builds(
        dict,
        mx=_NAMES,
        send_names=_NAMES,
        send_method=st.sampled_from([SendMethod.PKIX, SendMethod.DANE]),
        minimum_tls=st.sampled_from([TlsVersion.TLS_1_2, TlsVersion.TLS_1_3]),
        servername=st.none() | _HOSTS.map(Domain),
    ),
    st.sampled_from(["a.test", "*.a.test"]),
)
def test_what_generate_writes_is_read_as_what_it_was_made_of(rule: dict[str, Any], entry: str) -> None:
    """Our own table is one of Postfix's: what is proposed from it yields the same policy, level and names."""
    dialect = Dialect(True, frozenset())
    written = policy_of(partner(entry, **rule), dialect)
    line = f"{entry.removeprefix('*')} {written}\n"
    found = tls_policy.propose([SourceText("tls_policy", line)])
    assert found.send == (entry,)
    configuration = parse(found.configuration().encode(), Path("/etc/x.toml"))
    again = policy_of(configuration.partner(Entry(entry)), dialect)
    assert _words(again) == _words(written)


def _words(policy: str) -> list[frozenset[str]]:
    """Return the level and each attribute; the order of names says nothing."""
    return [frozenset(word.removeprefix("match=").split(":")) for word in policy.split()]
