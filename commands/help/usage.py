"""What each command is for, with examples of its use, as its ``--help`` and the manual page show it.

Owns: the texts, in ``usage.toml``.  A test has every command's parser accept its examples.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Usage:
    """The texts about one command."""

    purpose: str  #: one or two sentences; "" where the command's parser has its own
    examples: tuple[tuple[str, str], ...]  #: what follows the program's name, and what it does

    def shown(self, program: str) -> str:
        """Return the examples as lines of a help."""
        return "".join(f"  {program} {command}\n      {meaning}\n" for command, meaning in self.examples)


def usage_of(words: str) -> Usage | None:
    """Return what is told about the command that *words*, such as ``partner cert add``, lead to."""
    return usages().get(words)


@cache
def usages() -> dict[str, Usage]:
    """Return the texts of every command by the words that lead to it; those of "" are of the program."""
    document = tomllib.loads((files(__package__) / "usage.toml").read_text(encoding="utf-8"))
    return {
        words: Usage(
            table.get("purpose", ""), tuple((command, meaning) for command, meaning in table["examples"])
        )
        for words, table in document.items()
    }
