"""What the daemon serves to people besides the status page."""

import gzip
from pathlib import Path

import pytest

from domain_secure.commands.serve import pages
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """Return one with a partner that has a pin."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(
        '[receive]\ndomains = ["a.test", "b.test"]\n'
        f'[partner."a.test"]\npins = ["sha256:{"ab" * 32}"]\nmx = ["mx.a.test"]\n'
        f'[paths]\nstate = "{tmp_path}"\n'
    )
    return load(file)


def test_a_partners_rule(configuration: Configuration) -> None:
    """Its table, the settings that hold, and its pins; without a table the defaults hold."""
    found = pages.partner_document(configuration, Entry("a.test"))
    assert (found["table"], found["pins"]) == ('[partner."a.test"]', ["sha256:" + "ab" * 32])
    assert found["settings"]["mx"] == "mx.a.test"
    assert found["certificates"] == []
    assert pages.partner_document(configuration, Entry("b.test"))["table"] is None


def test_the_report(configuration: Configuration) -> None:
    """Of everybody, or of one that is listed; it may load nothing and run nothing."""
    render = pages.further_pages(lambda: configuration)["/report"]
    headers, html = render("domain=b.test")
    assert b"Domain security report" in html
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script" not in headers["Content-Security-Policy"]
    with pytest.raises(Problem, match="on no list"):
        render("domain=c.test")


def test_the_documents(configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were installed, compressed or not; where there are none, none is linked to."""
    folder = tmp_path / "share" / "doc" / "postfix-domain-secure" / "docs"
    folder.mkdir(parents=True)
    (folder / "replies.md").write_text("# Replies\n")
    (folder / "operation.md.gz").write_bytes(gzip.compress(b"# Daily work\n"))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    served = pages.further_pages(lambda: configuration)
    assert sorted(served) == ["/docs/operation.md", "/docs/replies.md", "/report"]
    headers, content = served["/docs/operation.md"]("")
    assert (headers["Content-Type"], content) == ("text/plain; charset=utf-8", b"# Daily work\n")
    (folder / "operation.md.gz").write_bytes(b"no gzip")
    with pytest.raises(Problem, match="cannot read it"):
        served["/docs/operation.md"]("")
