"""docs/findings.md against the code: no finding without a text, no text without a finding."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from domain_secure.postfix.findings.findings import NOT_LOOKED_AT, Severity

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "findings.md").read_text()
FINDINGS, TRAPS = PAGE.split("## From the trap to the finding")
SOURCES = [*(ROOT / "postfix").glob("**/*.py"), *(ROOT / "commands" / "check").glob("*.py")]


def reported() -> Iterator[tuple[str, str]]:
    """Yield word and severity of each finding that the code makes."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            made = ast.unparse(node.func)
            if made == "Finding.not_looked_at":
                yield NOT_LOOKED_AT, Severity.NOT_LOOKED_AT
                continue
            if made in {f"Finding.{severity}" for severity in Severity}:
                severities, word = [made.removeprefix("Finding.")], node.args[0]
            elif made == "Finding":
                severities, word = re.findall(r"Severity\.(\w+)", ast.unparse(node.args[0])), node.args[1]
            else:
                continue
            words = [one.value for one in ast.walk(word) if isinstance(one, ast.Constant) and one.value]
            assert words, f"{path.name}:{node.lineno}: the word is not written here, where this test looks"
            yield from ((str(one), severity.lower()) for one in words for severity in severities)


def test_each_finding_is_described() -> None:
    """The page has a row for each word and severity, and none for another."""
    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z, -]+) \| \S", FINDINGS, re.MULTILINE)
    described = {(word, severity) for word, severities in rows for severity in severities.split(", ")}
    assert described == set(reported())
    assert len(rows) == len({word for word, _ in rows})


def test_each_trap_leads_to_a_finding_there_is() -> None:
    """A word in the second table is a finding, a setting or another word of ours; a row is never empty."""
    rows = re.findall(r"^\| (.+) \| (.+) \|$", TRAPS, re.MULTILINE)[2:]
    assert len(rows) >= 45
    known = {word for word, _ in reported()} | {"no-evidence"}
    for trap, answer in rows:
        named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", answer))
        assert named <= known, trap
        assert named or len(answer) > 40, trap
