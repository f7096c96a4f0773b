"""What an installation consists of: each licence is known, and the document is whole."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message

import pytest
from static.bill_of_materials import ROOT, Component, components, document, licence_of
from static.licences import faults_of

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def test_every_licence_goes_with_ours() -> None:
    """A package that comes under another one is found here before it is handed on."""
    assert [f"{part.name}: {part.licence}" for part in components() if not part.is_compatible] == []


@pytest.mark.parametrize(
    ("licence", "is_compatible"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("Proprietary OR MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("Apache-2.0 AND Proprietary", False),
        ("GPL-2.0-only", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_an_unknown_licence_is_told(licence: str, *, is_compatible: bool) -> None:
    """Of several that must all be kept each counts, of several to choose from one is enough."""
    assert replace(components()[0], licence=licence).is_compatible is is_compatible


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ([("License-Expression", "MIT-0"), ("License", "what else")], "MIT-0"),
        ([("License", "MPL-2.0")], "MPL-2.0"),
        ([("License", "see file"), ("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        ([("License", "Proprietary")], "Proprietary"),
        ([("Classifier", "Topic :: Communications :: Email")], "unknown"),
    ],
)
def test_the_licence_is_what_the_package_says(lines: list[tuple[str, str]], licence: str) -> None:
    """An expression before words, words that are known before others, and nothing made up."""
    said = Message()
    for name, value in lines:
        said[name] = value
    assert licence_of(said) == licence  # type: ignore[arg-type]  # importlib.metadata hands out such messages


def test_the_document_is_whole() -> None:
    """Each package once, each reference leads to one, and what is asked for directly is among them."""
    parts = components()
    made = document(parts, MOMENT)
    references = {part.reference for part in parts} | {made["metadata"]["component"]["bom-ref"]}
    assert len(references) == len(parts) + 1
    assert {one["ref"] for one in made["dependencies"]} == references
    assert {ref for one in made["dependencies"] for ref in one["dependsOn"]} <= references
    own = next(one for one in made["dependencies"] if "postfix-domain-secure" in one["ref"])
    assert len(own["dependsOn"]) > 10
    assert json.dumps(document(parts, MOMENT)) == json.dumps(made)


def test_every_python_has_the_same_packages() -> None:
    """What was looked at here is what is installed elsewhere, but for what a newer Python brings itself."""
    here = {part.name for part in components()}
    for lock in sorted((ROOT / "requirements").glob("python*.txt")):
        lines = lock.read_text("utf-8").splitlines()
        names = {line.partition("==")[0] for line in lines if "==" in line and line[0].isalnum()}
        assert names <= here, lock


def test_a_component_names_its_package() -> None:
    """As package registries do."""
    part = Component("some-thing", "1.2", ("00",), "MIT", ())
    assert part.reference == "pkg:pypi/some-thing@1.2"


def test_the_published_schema_has_nothing_against_the_document() -> None:
    """Nor where a licence is unknown; and it does see what is wrong."""
    parts = components()
    made = document((*parts[1:], replace(parts[0], licence="a licence of their own")), MOMENT)
    assert faults_of(made) == []
    made["components"][0]["licenses"] = [{"expression": "MIT"}, {"license": {"name": "two ways at once"}}]
    made["metadata"]["timestamp"] = "yesterday"
    del made["components"][1]["name"]
    places = {fault.partition(":")[0] for fault in faults_of(made)}
    assert {"metadata/timestamp", "components/1"} < places
    assert any(place.startswith("components/0/licenses") for place in places)
