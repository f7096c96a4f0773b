"""What tables can answer, listed by Postfix's own programs where it has them."""

import shutil
from pathlib import Path

import pytest

from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.table_rows import Row, UnlistedError, rows

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

PATTERNS = """\
# a comment
if /^Subject:/
  # another
/^Subject: a\\/b/i   FILTER smtp:[a.test]
    more
endif
!^x\\^y^ REDIRECT b@b.test
/c/
  BCC c@c.test

"""


@pytest.fixture
def instance(tmp_path: Path) -> PostfixInstance:
    """Return a Postfix with nothing set."""
    for name in ("main.cf", "master.cf"):
        (tmp_path / name).touch()
    return PostfixInstance(tmp_path)


@pytest.mark.parametrize("kind", ["regexp", "pcre"])
def test_results_of_patterns(instance: PostfixInstance, kind: str) -> None:
    """Conditions have none; a result may go on in the next line, and a pattern may hold its delimiter."""
    path = instance.config_directory / "patterns"
    path.write_text(PATTERNS)
    values = [row.value for row in rows(instance, f"{kind}:{path}") if row.value]
    assert [value.split() for value in values] == [
        ["FILTER", "smtp:[a.test]", "more"],
        ["REDIRECT", "b@b.test"],
        ["BCC", "c@c.test"],
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("regexp:{ {/^X:/ FILTER smtp:[a]:25}, {/b c/ OK} }", [(None, "FILTER smtp:[a]:25"), (None, "OK")]),
        ("regexp:{{/^/ FILTER smtp:[a]}}", [(None, "FILTER smtp:[a]")]),
        ("cidr:{{192.0.2.0/24 FILTER smtp:[a]}, {!::/0 OK}}", [(None, "FILTER smtp:[a]"), (None, "OK")]),
        ("inline:{a@b.test=c@d.test}", [("a@b.test", "c@d.test")]),
        ("inline:{{e=f g}}", [("e", "f g")]),
        ("proxy:inline:{a=b}", [("a", "b")]),
        ("debug:inline:{a=b}", [("a", "b")]),
        ("static:x@y.test", [(None, "x@y.test")]),
        ("static:{FILTER smtp:[a]}", [(None, "FILTER smtp:[a]")]),
        ("randmap:{a@a.test,b@b.test}", [(None, "a@a.test"), (None, "b@b.test")]),
        ("unionmap:{static:a, inline:{b=c}}", [(None, "a"), ("b", "c")]),
        ("pipemap:{inline:{b=c}, static:a}", [("b", "c"), (None, "a")]),
        ("fail:whatever", []),
    ],
)
def test_tables_within_a_setting(
    instance: PostfixInstance, table: str, expected: list[tuple[str | None, str]]
) -> None:
    """Each form of postconf(5) gives its answers."""
    assert [(row.key, row.value) for row in rows(instance, table)] == expected


def test_a_pattern_is_shown_as_it_is_written(instance: PostfixInstance) -> None:
    """With its delimiters, without its flags and the result."""
    assert list(rows(instance, "regexp:{{/^a\\/b/i c}}")) == [Row(None, "c", "/^a\\/b/")]
    assert list(rows(instance, "cidr:{{192.0.2.0/24 c d}}")) == [Row(None, "c d", "192.0.2.0/24")]


@pytest.mark.parametrize("kind", ["hash", "lmdb", "cdb"])
def test_a_compiled_table(instance: PostfixInstance, kind: str) -> None:
    """An indexed file is read as Postfix reads it, also without its type in front."""
    path = instance.config_directory / "table"
    path.write_text("a@b.test c@d.test\n")
    if kind not in instance.map_types:
        pytest.skip(f"this Postfix has no {kind}")
    instance.compile_map(kind, path)
    (instance.config_directory / "main.cf").write_text(f"default_database_type = {kind}\n")
    for name in (f"{kind}:{path}", str(path), f"proxy:{kind}:{path}"):
        assert list(rows(instance, name)) == [Row("a@b.test", "c@d.test")]


@pytest.mark.parametrize(
    "table", ["ldap:/x", "mysql:/x", "socketmap:unix:/x:y", "regexp:/nonexistent", "texthash:/nonexistent"]
)
def test_what_cannot_be_listed_is_not_empty(instance: PostfixInstance, table: str) -> None:
    """A database, a server, a missing file: the answer is unknown, and that is said."""
    with pytest.raises(UnlistedError, match=r"\w"):
        list(rows(instance, table))
