"""Editing master.cf: postconf(1) reads it as we do, and what was put in comes out again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance import master_cf
from domain_secure.postfix.instance.master_cf import Option

COMMENT = b"# ours"
OPTIONS = {"smtpd_milters": "{ unix:ours, default_action=tempfail }, unix:theirs", "ask": "yes", "empty": ""}
needs_postfix = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

SMTPD = st.sampled_from(
    [
        b"smtp inet n - y - - smtpd",
        b"smtp      inet  n       -       y       -       -       smtpd ",
        b"smtp inet n - y - - smtpd -o a=b -v",
        b"smtp inet n - y - - smtpd\r",
        b"smtp inet n - y - - smtpd\n  -o { a = b, c }\n# note\n\n  -o\n  d=e",
        b"smtp inet n -\n - - - smtpd -oa=b",
    ]
)
OTHERS = st.lists(
    st.sampled_from(
        [
            b"",
            b"# note",
            b"  # indented note",
            b"  ",
            b"pickup unix n - y 60 1 pickup",
            b"relay unix - - n - - smtp\n        -o syslog_name=postfix/$service_name",
            b"maildrop unix - n n - - pipe\n  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}",
            b"short line",
        ]
    ),
    max_size=5,
)
CONTENT = st.tuples(OTHERS, SMTPD, OTHERS, st.sampled_from([b"", b"\n", b"\n\n"])).map(
    lambda parts: b"\n".join([*parts[0], parts[1], *parts[2]]) + parts[3]
)


def ours(options: Sequence[Option]) -> Mapping[Option, str | None]:
    return {option: None for option in options if option.name.decode() in OPTIONS}


@given(CONTENT)
@settings(max_examples=300)
def test_options_come_out_again(content: bytes) -> None:
    """Whatever the file looks like, taking our options and comment out gives the former bytes."""
    attached = master_cf.with_options(content, b"smtp/inet", OPTIONS, COMMENT)
    assert attached != content
    stripped = master_cf.without_comment(master_cf.without_options(attached, ours), COMMENT)
    assert stripped == content


@given(CONTENT)
@settings(max_examples=300)
def test_a_cloned_service_comes_out_again(content: bytes) -> None:
    """A service added at the end leaves no trace, also where the last newline was missing."""
    attached = master_cf.with_clone(content, b"smtp/inet", b"new", OPTIONS, COMMENT)
    stripped = master_cf.without_comment(master_cf.without_services(attached, {b"new/inet"}), COMMENT)
    assert stripped == content


@needs_postfix
@given(CONTENT)
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
def test_postconf_sees_our_options_and_no_other_difference(content: bytes) -> None:
    """Postfix's own parser finds our options at the right service, the clone, and all else as before."""
    # Too few fields are fatal, and Postfix's programs wait a second before they give up.
    assume(b"short line" not in content)
    with tempfile.TemporaryDirectory() as name:
        before = _postconf(Path(name), content)
        attached = master_cf.with_options(content, b"smtp/inet", OPTIONS, COMMENT)
        options = _postconf(Path(name), attached)
        clone = _postconf(Path(name), master_cf.with_clone(content, b"smtp/inet", b"new", OPTIONS, COMMENT))
    assert before is not None
    assert options is not None
    expected = {f"smtp/inet/{name} = {value}".strip() for name, value in OPTIONS.items()}
    assert options == before | expected
    copied = {f"new{line[4:]}" for line in before | expected if line.startswith(("smtp/inet", "smtp inet"))}
    assert clone == before | copied


def _postconf(directory: Path, content: bytes) -> set[str] | None:
    (directory / "main.cf").write_bytes(b"compatibility_level = 3.6\n")
    os.utime(directory / "main.cf", (0, 0))  # Postfix waits until a file is two seconds old
    (directory / "master.cf").write_bytes(content)
    lines: set[str] = set()
    for option in ("-M", "-P"):
        command = ["postconf", "-c", str(directory), option]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return None
        for line in done.stdout.splitlines():
            lines.add(" ".join(line.split(" -o ")[0].split()[:8] if option == "-M" else line.split()))
    return lines


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (b"-o a=b", [("a", "b")]),
        (b"-oa=b -v -D", [("a", "b")]),
        (b"-o { a = b { c } } -o a=", [("a", "b { c }"), ("a", "")]),
        (b"-v -o", []),
    ],
)
def test_options_are_read_in_every_form(arguments: bytes, expected: list[tuple[str, str]]) -> None:
    """``-o name=value``, without a blank, or with braces."""
    found = master_cf.entry(b"smtp inet n - y - - smtpd " + arguments, b"smtp/inet")
    assert found is not None
    assert [(option.name.decode(), option.value.decode()) for option in found.options] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("yes", b"-o a=yes"), ("", b"-o a="), ("b c", b"-o { a = b c }"), ("{b}", b"-o { a = {b} }")],
)
def test_an_option_is_written_in_the_form_it_needs(value: str, expected: bytes) -> None:
    """Braces are used only where the value would fall apart without them."""
    assert master_cf.option_text("a", value) == expected


def test_unbalanced_braces_are_refused() -> None:
    """Such a value cannot be written as an option."""
    with pytest.raises(Problem, match="not balanced"):
        master_cf.option_text("a", "b }")


def test_options_are_found_where_postconf_moved_them() -> None:
    """``postconf -P`` joins the arguments, and puts the comments in front of the service."""
    edited = b"# ours\nsmtp inet n - y - - smtpd\n    -o x=1 -o ask=yes -o {smtpd_milters=a b}\n    -o y=2\n"
    stripped = master_cf.without_comment(master_cf.without_options(edited, ours), COMMENT)
    assert stripped == b"smtp inet n - y - - smtpd\n    -o x=1\n    -o y=2\n"


def test_an_option_may_keep_a_part_of_its_value() -> None:
    """What others added to our option stays an option of theirs."""

    def keep(options: Sequence[Option]) -> Mapping[Option, str | None]:
        return dict.fromkeys(options, "unix:theirs")

    edited = b"smtp inet n - y - - smtpd\n  -o { smtpd_milters = unix:ours, unix:theirs }\n"
    expected = b"smtp inet n - y - - smtpd\n  -o smtpd_milters=unix:theirs\n"
    assert master_cf.without_options(edited, keep) == expected


def test_a_service_that_is_there_twice_is_refused() -> None:
    """Nobody can say which of them Postfix would use."""
    line = b"smtp inet n - y - - smtpd\n"
    with pytest.raises(Problem, match="2 times"):
        master_cf.entry(line + line, b"smtp/inet")
