"""Routes as patterns of addresses, asked of postmap(1)."""

from pathlib import Path

import pytest
from scratch_postfix import make_scratch

from domain_secure.postfix.tables.recipient_routes import RecipientRoute, examples, route_patterns

ROUTES = (
    RecipientRoute("woodgrovebank.test", False, "domain-secure:"),
    RecipientRoute("fabrikam.test", True, "domain-secure:"),
    RecipientRoute("eu.fabrikam.test", True, "domain-secure:[eu]"),
    RecipientRoute("mail.fabrikam.test", False, "domain-secure:[mail]"),
    RecipientRoute("bücher.test", False, "domain-secure:"),
)


def answers(folder: Path, routes: tuple[RecipientRoute, ...], *addresses: str) -> dict[str, str]:
    """Return what Postfix finds for addresses in a table of the routes."""
    scratch = make_scratch(folder)
    table = folder / "table"
    table.write_text("".join(f"{line}\n" for line in route_patterns(routes)))
    return scratch.instance.query(f"regexp:{table}", addresses)


def test_the_longest_match_answers(tmp_path: Path) -> None:
    """A name goes before a wildcard, a longer wildcard before a shorter, and a wildcard is not its domain."""
    wanted = {
        "a@woodgrovebank.test": "domain-secure:",
        "A@WoodgroveBank.TEST": "domain-secure:",
        '"a@b"@woodgrovebank.test': "domain-secure:",
        "a@b@woodgrovebank.test": "domain-secure:",
        "a@any.fabrikam.test": "domain-secure:",
        "a@any.eu.fabrikam.test": "domain-secure:[eu]",
        "a@eu.fabrikam.test": "domain-secure:",
        "a@mail.fabrikam.test": "domain-secure:[mail]",
        "a@bücher.test": "domain-secure:",
    }
    others = (
        "a@fabrikam.test",
        "a@notwoodgrovebank.test",
        "a@woodgrovebank.test.evil.test",
        "a@woodgrovebankxtest",
        '"a@woodgrovebank.test"@evil.test',
        "woodgrovebank.test",
    )
    assert answers(tmp_path, ROUTES, *wanted, *others) == wanted


@pytest.mark.parametrize("wildcards", [False, True])
def test_a_long_list(tmp_path: Path, wildcards: bool) -> None:
    """Each of some thousand names answers from its place, also one that begins as another does."""
    names = [f"{one}{two}{number}.test" for one in "abc" for two in "xyz" for number in range(300)]
    names += ["ax", "ax.test", "a.test", "ax1.test.test"]
    routes = tuple(RecipientRoute(name, wildcards, f"{name}:") for name in names[:40])
    routes += tuple(RecipientRoute(name, wildcards, "domain-secure:") for name in names)
    wanted = dict(examples(routes[40:]))
    first = dict(examples(routes[:40]))
    found = answers(tmp_path, routes[40:], *wanted, "a@bx300.test")
    assert found == wanted
    (tmp_path / "other").mkdir()
    assert answers(tmp_path / "other", routes[:40], *first) == first
