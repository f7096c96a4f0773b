"""The shape of the house: which room may know which, and that everything says what it is for."""

import ast
import tomllib
from pathlib import Path

import pytest
from room_plan import PACKAGES, PAGE, ROOT, arrows, circle, drawn, imported, modules, room_of

#: Each room, and the rooms it may know.  ``policy`` knows itself alone; ``milter``, ``postfix`` and ``fleet``
#: do not know each other.  A new arrow is a decision: write it here only where the room below may not know
#: what the room above is for.
MAY_KNOW = {
    "policy/agreement": "policy/configuration policy/revisions policy/terms",
    "policy/authority": "policy/certificates policy/files policy/own policy/terms",
    "policy/book": "policy/certificates policy/files policy/terms",
    "policy/bypass": "policy/files policy/terms",
    "policy/certificates": "policy/terms",
    "policy/claims": "policy/terms",
    "policy/configuration": (
        "policy/bypass policy/certificates policy/files policy/long_lists policy/revisions policy/terms "
        "policy/toml"
    ),
    "policy/dane": "policy/certificates policy/terms",
    "policy/decision": (
        "policy/certificates policy/claims policy/configuration policy/dane policy/dkim policy/revocation "
        "policy/terms"
    ),
    "policy/dkim": "policy/claims policy/terms",
    "policy/editing": (
        "policy/certificates policy/configuration policy/files policy/revisions policy/terms policy/toml"
    ),
    "policy/files": "policy/terms",
    "policy/history": (
        "policy/book policy/bypass policy/certificates policy/claims policy/configuration policy/dane "
        "policy/decision policy/dkim policy/files policy/record policy/revocation policy/terms"
    ),
    "policy/importing": "policy/configuration policy/terms policy/toml",
    "policy/long_lists": "",
    "policy/onboarding": (
        "policy/certificates policy/configuration policy/editing policy/files policy/sending policy/terms"
    ),
    "policy/own": "policy/certificates policy/files policy/terms",
    "policy/promotion": "policy/decision policy/files policy/terms",
    "policy/record": (
        "policy/certificates policy/claims policy/configuration policy/dane policy/decision policy/dkim "
        "policy/files policy/revocation policy/sending policy/terms"
    ),
    "policy/reflector": (
        "policy/certificates policy/claims policy/configuration policy/dane policy/decision policy/dkim "
        "policy/terms"
    ),
    "policy/revisions": "policy/terms",
    "policy/revocation": "policy/certificates policy/files policy/terms",
    "policy/sending": "policy/certificates policy/configuration policy/dane policy/terms",
    "policy/templates": "",
    "policy/terms": "policy/long_lists",
    "policy/threads": "",
    "policy/toml": "policy/terms",
    "postfix/attach": (
        "policy/configuration policy/files policy/own policy/terms postfix/instance postfix/tables"
    ),
    "postfix/deliveries": "policy/sending policy/terms postfix/log_lines",
    "postfix/dns": (
        "policy/configuration policy/dane policy/dkim policy/reflector policy/sending policy/terms "
        "postfix/work"
    ),
    "postfix/doctor": (
        "policy/configuration policy/dane policy/terms postfix/dns postfix/findings postfix/instance "
        "postfix/mail_checks postfix/own_checks postfix/sending_checks postfix/tables"
    ),
    "postfix/findings": (
        "policy/certificates policy/configuration policy/own policy/terms postfix/instance postfix/tables"
    ),
    "postfix/instance": "policy/configuration policy/files policy/sending policy/terms",
    "postfix/log": (
        "policy/configuration policy/files policy/sending policy/terms postfix/deliveries "
        "postfix/instance postfix/log_lines postfix/tables"
    ),
    "postfix/log_lines": "policy/sending policy/terms",
    "postfix/mail_checks": (
        "policy/configuration policy/decision policy/files policy/history policy/terms postfix/attach "
        "postfix/dns postfix/findings postfix/instance postfix/log postfix/log_lines postfix/tables"
    ),
    "postfix/own_checks": (
        "policy/book policy/bypass policy/certificates policy/claims policy/configuration policy/dane "
        "policy/decision policy/history policy/own policy/revocation policy/sending policy/terms "
        "policy/toml postfix/findings postfix/instance postfix/tables"
    ),
    "postfix/probe": (
        "policy/authority policy/book policy/certificates policy/configuration policy/dane policy/sending "
        "policy/terms postfix/dns postfix/instance postfix/tables postfix/work"
    ),
    "postfix/sending_checks": (
        "policy/configuration policy/history policy/terms postfix/attach postfix/findings "
        "postfix/instance postfix/log postfix/tables"
    ),
    "postfix/services": "policy/terms postfix/instance",
    "postfix/tables": (
        "policy/certificates policy/configuration policy/files policy/long_lists policy/terms "
        "postfix/instance"
    ),
    "postfix/work": "policy/terms policy/threads",
    "milter/changes": "policy/templates policy/terms",
    "milter/daemon": (
        "policy/book policy/configuration policy/files policy/history policy/record policy/revocation "
        "policy/sending policy/terms milter/changes milter/fetching milter/knowledge milter/memory "
        "milter/metrics milter/page milter/proof milter/record milter/reflector milter/revocation "
        "milter/session"
    ),
    "milter/fetching": "policy/certificates policy/terms policy/threads",
    "milter/knowledge": (
        "policy/book policy/bypass policy/certificates policy/configuration policy/dane policy/decision "
        "policy/dkim policy/files policy/history policy/own policy/promotion policy/reflector "
        "policy/revocation policy/terms"
    ),
    "milter/memory": "",
    "milter/metrics": (
        "policy/bypass policy/certificates policy/claims policy/configuration policy/decision "
        "policy/history policy/promotion policy/reflector policy/sending policy/terms"
    ),
    "milter/page": (
        "policy/bypass policy/configuration policy/decision policy/history policy/templates policy/terms "
        "policy/threads milter/changes"
    ),
    "milter/proof": (
        "policy/authority policy/certificates policy/claims policy/configuration policy/decision "
        "policy/terms milter/metrics"
    ),
    "milter/record": (
        "policy/configuration policy/decision policy/files policy/history policy/record policy/sending "
        "policy/terms milter/metrics"
    ),
    "milter/reflector": (
        "policy/certificates policy/claims policy/configuration policy/dane policy/decision policy/dkim "
        "policy/files policy/reflector policy/terms milter/knowledge milter/metrics milter/proof"
    ),
    "milter/revocation": "policy/revocation policy/terms milter/fetching",
    "milter/session": (
        "policy/claims policy/configuration policy/decision policy/dkim policy/record policy/terms "
        "policy/threads milter/knowledge milter/metrics milter/proof milter/reflector"
    ),
    "fleet/editing": (
        "policy/configuration policy/editing policy/revisions policy/terms policy/toml fleet/node fleet/store"
    ),
    "fleet/node": (
        "policy/book policy/certificates policy/configuration policy/revisions policy/revocation "
        "policy/terms fleet/store"
    ),
    "fleet/store": "policy/configuration policy/revisions policy/terms",
    "commands": (
        "policy/configuration policy/editing policy/files policy/history policy/sending policy/terms "
        "policy/toml postfix/deliveries postfix/findings postfix/instance postfix/log postfix/own_checks "
        "milter/knowledge commands/fleet commands/help commands/in_force commands/log commands/terminal"
    ),
    "commands/agreement": (
        "policy/agreement policy/certificates policy/configuration policy/files policy/own "
        "policy/revisions policy/terms postfix/dns postfix/findings postfix/instance postfix/own_checks "
        "postfix/tables fleet/store commands/terminal"
    ),
    "commands/attach": (
        "policy/configuration policy/files policy/terms postfix/attach postfix/doctor postfix/findings "
        "postfix/instance postfix/mail_checks postfix/tables commands/in_force commands/terminal"
    ),
    "commands/bypass": (
        "policy/bypass policy/configuration policy/editing policy/terms postfix/instance postfix/tables "
        "milter/record commands/attach commands/in_force commands/terminal"
    ),
    "commands/certificate": (
        "policy/authority policy/book policy/certificates policy/configuration policy/files policy/own "
        "policy/revocation policy/terms postfix/attach postfix/instance postfix/probe milter/knowledge "
        "commands/terminal"
    ),
    "commands/changes": (
        "policy/bypass policy/configuration policy/files policy/terms postfix/findings postfix/instance "
        "milter/changes milter/page commands commands/partner commands/terminal"
    ),
    "commands/check": (
        "policy/configuration policy/terms postfix/attach postfix/doctor postfix/findings "
        "postfix/instance postfix/tables milter/knowledge commands/attach commands/probe "
        "commands/terminal"
    ),
    "commands/connector": (
        "policy/configuration policy/editing policy/terms policy/toml postfix/attach postfix/findings "
        "postfix/instance postfix/services postfix/tables commands/attach commands/in_force "
        "commands/terminal"
    ),
    "commands/explain": (
        "policy/book policy/claims policy/configuration policy/dane policy/decision policy/dkim "
        "policy/revocation policy/terms postfix/dns milter/knowledge commands/terminal"
    ),
    "commands/fleet": (
        "policy/configuration policy/editing policy/files policy/revisions policy/terms policy/toml "
        "fleet/editing fleet/node fleet/store commands/terminal"
    ),
    "commands/help": "policy/configuration policy/decision",
    "commands/importing": (
        "policy/configuration policy/files policy/importing policy/terms postfix/instance commands/terminal"
    ),
    "commands/in_force": (
        "policy/configuration policy/editing policy/files policy/terms postfix/attach postfix/findings "
        "postfix/instance postfix/log postfix/sending_checks postfix/tables commands/fleet "
        "commands/terminal"
    ),
    "commands/invitation": (
        "policy/agreement policy/certificates policy/configuration policy/dane policy/decision "
        "policy/files policy/own policy/templates policy/terms postfix/dns postfix/instance "
        "commands/agreement commands/terminal"
    ),
    "commands/log": (
        "policy/configuration policy/decision policy/editing policy/history policy/record policy/sending "
        "policy/terms policy/toml commands/terminal"
    ),
    "commands/onboarding": (
        "policy/configuration policy/decision policy/editing policy/onboarding policy/revocation "
        "policy/terms milter/knowledge commands/fleet commands/in_force commands/probe commands/promotion "
        "commands/terminal"
    ),
    "commands/partner": (
        "policy/book policy/bypass policy/certificates policy/claims policy/configuration policy/decision "
        "policy/editing policy/history policy/onboarding policy/revocation policy/terms milter/knowledge "
        "commands/bypass commands/fleet commands/in_force commands/invitation commands/onboarding "
        "commands/terminal"
    ),
    "commands/probe": (
        "policy/book policy/certificates policy/claims policy/configuration policy/dane policy/decision "
        "policy/revocation policy/sending policy/terms postfix/dns postfix/instance postfix/probe "
        "milter/fetching milter/knowledge commands/terminal"
    ),
    "commands/promotion": (
        "policy/book policy/certificates policy/configuration policy/decision policy/editing "
        "policy/history policy/onboarding policy/promotion policy/record policy/terms milter/knowledge "
        "commands/fleet commands/in_force commands/log commands/terminal"
    ),
    "commands/report": (
        "policy/bypass policy/certificates policy/editing policy/files policy/history policy/templates "
        "policy/terms commands/bypass commands/log commands/terminal"
    ),
    "commands/serve": (
        "policy/book policy/certificates policy/configuration policy/files policy/history policy/own "
        "policy/revisions policy/revocation policy/sending policy/terms policy/threads postfix/attach "
        "postfix/dns postfix/doctor postfix/findings postfix/instance postfix/log postfix/probe "
        "postfix/services postfix/tables milter/changes milter/daemon milter/knowledge milter/memory "
        "milter/metrics milter/page milter/proof milter/record fleet/node fleet/store commands/changes "
        "commands/in_force commands/report commands/status commands/terminal"
    ),
    "commands/setup": (
        "policy/configuration policy/editing policy/files policy/own policy/terms postfix/attach "
        "postfix/instance milter/knowledge commands/attach commands/certificate commands/check "
        "commands/partner commands/probe commands/terminal"
    ),
    "commands/status": (
        "policy/bypass policy/certificates policy/configuration policy/editing policy/history policy/own "
        "policy/sending policy/terms postfix/attach postfix/findings postfix/instance postfix/log "
        "milter/metrics milter/page commands/bypass commands/fleet commands/log commands/partner "
        "commands/promotion commands/terminal"
    ),
    "commands/terminal": "policy/configuration policy/editing policy/terms milter/metrics fleet/editing",
}
MODULES = modules()
ROOMS = sorted({room_of(path) for path in MODULES} - (set(PACKAGES) - {"commands"}))
FOLDERS = {
    "policy": {"policy"},
    "milter": {"milter", "policy"},
    "postfix": {"postfix", "policy"},
    "fleet": {"fleet", "policy"},
    "commands": set(PACKAGES),
}
LINES = 350
STATEMENT_LINES = 60
FILES = 20  #: of one room
WELCOME_LINES = 10  #: in which a room says what it is


def identifier(path: Path) -> str:
    """Name a parametrised module."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    """A room imports from the rooms in its row alone, absolutely; inside a room imports are relative."""
    files = [path for path in MODULES if room_of(path) == room]
    assert {other for path in files for other in imported(path)} == set(MAY_KNOW[room].split())


def test_no_rooms_know_each_other_in_a_circle() -> None:
    """The rooms lie in layers, by the table and by the imports."""
    assert circle(arrows()) == []
    assert circle({room: set(others.split()) for room, others in MAY_KNOW.items()}) == []


def test_a_circle_is_found() -> None:
    """Three rooms that know each other in turn are told in that order."""
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("from ..terms.domain import Domain", "climbs"),
        ("from domain_secure.policy.decision.verdict import Verdict", "relative"),
        ("import domain_secure.policy", "names"),
    ],
)
def test_an_import_of_another_form_is_found(tmp_path: Path, statement: str, complaint: str) -> None:
    """Climbing, absolute inside a room, and whole paths: each is refused where it stands."""
    module = tmp_path / "policy" / "decision" / "reply.py"
    module.parent.mkdir(parents=True)
    module.write_text(f"{statement}\n")
    with pytest.raises(ValueError, match=rf"reply\.py:1: .*{complaint}"):
        imported(module, tmp_path)


def test_the_table_has_a_row_for_each_room() -> None:
    """No room is forgotten, none stays behind, and folders are known as DESIGN section 1 says."""
    assert set(ROOMS) == set(MAY_KNOW)
    for room, others in MAY_KNOW.items():
        assert {other.split("/")[0] for other in others.split()} <= FOLDERS[room.split("/")[0]]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_small_and_speaks_for_itself(room: str) -> None:
    """At most twenty files, and a few lines on what it owns and where to begin."""
    assert len(list((ROOT / room).glob("*.py"))) <= FILES
    text = (ROOT / room / "__init__.py").read_text()
    assert text.count("\n") <= WELCOME_LINES
    if "/" in room:
        assert "Begin with ``" in text


def test_every_room_is_packaged() -> None:
    """The wheel holds each room, and no room that is gone."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert packages == sorted(f"domain_secure.{room.replace('/', '.')}" for room in {*ROOMS, *PACKAGES})


def test_the_picture_is_what_the_imports_say() -> None:
    """CONTRIBUTING.md shows the rooms as they are; ``./dev map`` draws them anew."""
    page = PAGE.read_text()
    assert page == drawn(page, arrows())


@pytest.mark.parametrize("path", MODULES, ids=identifier)
def test_modules_and_what_they_offer_are_described(path: Path) -> None:
    """Modules, public classes and public functions have a docstring."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    assert ast.get_docstring(member), f"{node.name}.{member.name}"


@pytest.mark.parametrize("path", MODULES, ids=identifier)
def test_modules_and_functions_stay_readable(path: Path) -> None:
    """One concept a module, one thought a function."""
    text = path.read_text()
    assert text.count("\n") <= LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= STATEMENT_LINES, node.name
