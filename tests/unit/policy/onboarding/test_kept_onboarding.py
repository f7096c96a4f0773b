"""What is kept of taking partners on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain_secure.policy.onboarding.kept_onboarding import (
    FILE_NAME,
    Onboarding,
    forget_onboarding,
    keep_onboarding,
    kept_onboardings,
)
from domain_secure.policy.onboarding.steps import Step
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

from unit.policy.builders import NOW, WOODGROVE

FABRIKAM = Entry("*.fabrikam.test")
BEGUN = NOW.replace(microsecond=0)
WAY = Onboarding(BEGUN, "root", frozenset(Direction), {Step.PROBE: BEGUN}, "delivered: over verified TLS")


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Of several partners, each by itself; the newest counts."""
    keep_onboarding(tmp_path, WOODGROVE, WAY)
    keep_onboarding(tmp_path, FABRIKAM, replace(WAY, directions=frozenset({Direction.SEND})))
    later = replace(WAY, done={**WAY.done, Step.OBSERVE: BEGUN + timedelta(days=1)})
    keep_onboarding(tmp_path, WOODGROVE, later)
    assert kept_onboardings(tmp_path) == {
        WOODGROVE: later,
        FABRIKAM: replace(WAY, directions=frozenset({Direction.SEND})),
    }


def test_without_a_file(tmp_path: Path) -> None:
    """Nothing is known, and there is nothing to forget."""
    assert kept_onboardings(tmp_path) == {}
    forget_onboarding(tmp_path, WOODGROVE)
    assert not (tmp_path / FILE_NAME).exists()


def test_many_at_once(tmp_path: Path) -> None:
    """What one command keeps is not lost to another one that read the file before."""
    entries = [Entry(f"partner{number}.test") for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda entry: keep_onboarding(tmp_path, entry, WAY), entries))
    assert kept_onboardings(tmp_path).keys() == set(entries)


def test_one_is_forgotten(tmp_path: Path) -> None:
    """The others stay."""
    for entry in (WOODGROVE, FABRIKAM):
        keep_onboarding(tmp_path, entry, WAY)
    forget_onboarding(tmp_path, WOODGROVE)
    assert kept_onboardings(tmp_path) == {FABRIKAM: WAY}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2, "partners": {}}',
        '{"format": 1, "partners": {"a.test": {}}}',
        '{"format": 1, "partners": {"a.test": {"begun": "2026-12-01T00:00:00"}}}',
    ],
    ids=["empty", "list", "newer", "without-keys", "without-zone"],
)
def test_what_cannot_be_understood_is_said(tmp_path: Path, content: str) -> None:
    """Unknown is not empty: the file is named, and not written over."""
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(Problem, match="cannot be understood"):
        keep_onboarding(tmp_path, WOODGROVE, WAY)
    assert (tmp_path / FILE_NAME).read_text() == content


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """The daemon's user, whose folder it is, leads root nowhere."""
    other = tmp_path / "other"
    other.write_text("{}")
    (tmp_path / FILE_NAME).symlink_to(other)
    with pytest.raises(Problem, match="cannot read where new partners stand"):
        kept_onboardings(tmp_path)
