"""What ``partner add`` refuses before it looks at anybody's servers."""

import argparse
from pathlib import Path

import pytest

from domain_secure.commands.onboarding import arguments as onboarding_arguments
from domain_secure.commands.onboarding.walk import run_add
from domain_secure.policy.terms.problems import Problem


def asked(path: Path, *words: str) -> argparse.Namespace:
    """Return the arguments of ``partner add``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, default=path)
    parser.add_argument("--json", action="store_true")
    onboarding_arguments.add_parser(parser.add_subparsers())
    return parser.parse_args(["add", *words])


@pytest.mark.parametrize(
    ("listed", "domain", "told"),
    [
        ("*.bank.test", "a.bank.test", "enforced already, as"),
        ("*.bank.test", "bank.test", "goes by the rule of bank.test, and would only be watched"),
        ("a.bank.test", "*.bank.test", "would only be watched"),
        ("a.bank.test", "*.BANK.test", "would only be watched"),
        ("*.xn--bcher-kva.test", "bücher.test", "would only be watched"),
    ],
)
def test_what_is_enforced_is_not_let_in_by_taking_somebody_on(
    tmp_path: Path, listed: str, domain: str, told: str
) -> None:
    """Neither by its own entry, nor by a rule that another entry goes by; the file stays as it was."""
    path = tmp_path / "domain-secure.toml"
    text = f'paths.state = "."\n[receive]\ndomains = ["{listed}"]\n'
    path.write_text(text)
    with pytest.raises(Problem, match=told):
        run_add(asked(path, domain, "--yes"))
    assert path.read_text() == text
