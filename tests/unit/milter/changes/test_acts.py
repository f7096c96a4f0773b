"""The grammar of what a page may ask for."""

import pytest

from domain_secure.milter.changes.acts import Act
from domain_secure.policy.terms.problems import Problem

PIN = f"spki-sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        (("connector", "smtp/inet", "on", ""), ("connector", "set", "smtp/inet", "domain-secure=on")),
        (
            ("connector", "[::1]:2525/inet", "off", ""),
            ("connector", "set", "[::1]:2525/inet", "domain-secure=off"),
        ),
        (("pin", "WoodgroveBank.test", PIN, ""), ("partner", "pin", "woodgrovebank.test", PIN)),
        (("promote", "*.fabrikam.test", "", ""), ("promote", "*.fabrikam.test")),
        (
            ("bypass", "woodgrovebank.test", "4h", "their certificate ended; --for=99h"),
            (
                "partner",
                "bypass",
                "woodgrovebank.test",
                "--for=4h",
                "--reason=their certificate ended; --for=99h",
            ),
        ),
    ],
)
def test_each_is_one_command(fields: tuple[str, ...], command: tuple[str, ...]) -> None:
    """In normal form; whatever stands in it is one argument, and no option."""
    act = Act.parse(dict(zip(("act", "subject", "value", "reason"), fields, strict=True)))
    assert act.command == command
    assert Act.parse(act.fields) == act
    assert act.subject in act.effect


@pytest.mark.parametrize(
    "fields",
    [
        ("detach", "smtp/inet", "on", ""),
        ("", "", "", ""),
        ("connector", "smtp/inet", "maybe", ""),
        ("connector", "--config=/tmp/x/inet", "on", ""),
        ("connector", "-x/inet", "on", ""),
        ("connector", "smtp/inet ", "on", "why"),
        ("connector", "smtp /inet", "on", ""),
        ("connector", "../smtp/inet/../unix", "on", ""),
        ("pin", "woodgrovebank.test", "all", ""),
        ("pin", "--force", PIN, ""),
        ("promote", "woodgrovebank.test", "now", ""),
        ("promote", "-h", "", ""),
        ("bypass", "woodgrovebank.test", "25h", "why"),
        ("bypass", "woodgrovebank.test", "0h", "why"),
        ("bypass", "woodgrovebank.test", "4d", "why"),
        ("bypass", "woodgrovebank.test", "4h", ""),
        ("bypass", "woodgrovebank.test", "4h", "x" * 201),
        ("bypass", "woodgrovebank.test", "4h", "two\nlines"),
        ("bypass", "woodgrovebank.test", 4, "why"),
    ],
)
def test_everything_else_is_none(fields: tuple[object, ...]) -> None:
    """Nothing is guessed, cut off or passed on."""
    with pytest.raises(Problem):
        Act.parse(dict(zip(("act", "subject", "value", "reason"), fields, strict=True)))
