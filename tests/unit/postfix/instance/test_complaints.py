"""Complaints of ``postfix check``, compared by what they mean."""

import pytest

from domain_secure.postfix.instance.complaints import Complaint, complaints


@pytest.mark.parametrize(
    ("line", "text", "grave"),
    [
        ("postfix: warning: /etc/postfix/main.cf, line 3: x", "/etc/postfix/main.cf, line 3: x", False),
        ("postfix/postfix-script: warning: not owned by root: /a", "not owned by root: /a", False),
        ("/usr/sbin/postconf: warning: /etc/postfix/master.cf: y", "/etc/postfix/master.cf: y", False),
        ("postfix/postfix-script: fatal: no", "no", True),
        ("postsuper: error: z", "z", True),
        ("/usr/lib/postfix/sbin/postfix-script: 1: oops: not found",) * 2 + (False,),
    ],
)
def test_a_line_says_how_bad_it_is(line: str, text: str, *, grave: bool) -> None:
    """The program in front is no part of the text; what has no severity is a warning."""
    assert complaints([line]) == (Complaint(text, grave),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "postfix: warning: /etc/postfix/main.cf, line 10: overriding earlier entry: biff=no",
            "/usr/sbin/postconf: warning: /etc/postfix/main.cf, line 12: overriding earlier entry: biff=yes",
        ),
        (
            "postconf: warning: /etc/postfix/master.cf: line 9: bad field",
            "postconf: warning: /etc/postfix/master.cf: line 19: bad field",
        ),
    ],
)
def test_the_line_and_the_value_are_no_part_of_the_meaning(one: str, other: str) -> None:
    """An edit further up moves lines, and an edit of the entry itself changes what is overridden."""
    assert len(complaints([one, other, one])) == 1


def test_two_parameters_are_two_complaints() -> None:
    """The name of the parameter is part of the meaning, and so is the file."""
    text = "postfix: warning: /etc/postfix/main.cf, line 1: overriding earlier entry: {}=x"
    assert len(complaints([text.format("biff"), text.format("relayhost")])) == 2
    assert len(complaints(["postfix: warning: /etc/main.cf, line 1: a", "/etc/master.cf, line 1: a"])) == 2


@pytest.mark.parametrize(
    ("line", "later"),
    [
        (
            'postconf: warning: /etc/postfix/master.cf: support for parameter "x" will be removed; instead y',
            True,
        ),
        ("postconf: warning: See https://www.postfix.org/DEPRECATION_README.html for details", True),
        ("postconf: See https://www.postfix.org/DEPRECATION_README.html for details", True),
        ("postconf: warning: /etc/postfix/master.cf: unused parameter: smtp_x=y", False),
        ('postfix: fatal: support for parameter "x" will be removed', False),
    ],
)
def test_what_a_later_release_will_not_do_is_told_apart(line: str, *, later: bool) -> None:
    """This one still does it; what Postfix gives up for is never meant."""
    (complaint,) = complaints([line])
    assert complaint.is_about_a_later_release is later
