"""How a proposal is put down: as a configuration with comments, and as the keys of a document."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from domain_secure.policy.importing.proposal import Aside, Proposal
from domain_secure.policy.terms.printable import printable

_WIDTH = 110


def proposal_text(proposal: Proposal, files: Sequence[str]) -> str:
    """Return a configuration file: the proposal, and as comments what it leaves out and what is to do."""
    lines = [f"# Proposed from {printable(', '.join(files))}; nothing is in force."]
    lines += ["#", f"# {summary(proposal)}"]
    if proposal.left_out:
        lines += ["#", "# Without an equivalent, or without the same one:"]
        for one in proposal.left_out:
            lines += _wrapped(printable(f"{one.place}: {one.what}: {one.reason}"))
    if proposal.asides:
        lines += ["#", "# Read, and about something else:"]
        lines += [line for text in _grouped(proposal.asides) for line in _wrapped(text)]
    if proposal.commands:
        lines += ["#", "# The same, where there is a configuration already:"]
        lines += [f"#   {command}" for command in proposal.commands]
    lines += ["#", "# Then:"]
    for step in proposal.steps:
        lines += [f"#   {step.command}", *_wrapped(printable(step.why), "#       ")]
    body = proposal.configuration()
    return "\n".join(lines) + "\n" + (f"\n{body}" if body else "")


def summary(proposal: Proposal) -> str:
    """Return in one line how much is proposed and left out."""
    return (
        f"{_count(len(proposal.receive), 'domain')} to receive from, "
        f"{_count(len(proposal.send), 'domain')} to send to; "
        f"{_count(len(proposal.left_out), 'thing')} without an equivalent"
    )


def proposal_document(proposal: Proposal, out: Path | None) -> dict[str, Any]:
    """Return the keys that a proposal has in a document."""
    return {
        "receive": list(proposal.receive),
        "send": list(proposal.send),
        "partners": [
            {"domain": entry, "keys": {key: _listed(value) for key, value in keys.items()}}
            for entry, keys in proposal.partners.items()
        ],
        "log": {direction: str(level) for direction, level in proposal.log.items()},
        "mode": str(proposal.mode),
        "configuration": proposal.configuration(),
        "left_out": [
            {"file": one.place.file, "line": one.place.line, "what": one.what, "reason": one.reason}
            for one in proposal.left_out
        ],
        "about_something_else": [
            {"file": one.place.file, "line": one.place.line, "name": one.name, "of": one.of}
            for one in proposal.asides
        ],
        "commands": list(proposal.commands),
        "steps": [{"command": step.command, "why": step.why} for step in proposal.steps],
        "written": [] if out is None else [str(out)],
    }


def _listed(value: str | tuple[str, ...]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


def _grouped(asides: Iterable[Aside]) -> Iterator[str]:
    """Yield the names of what stands together, with the first and the last line."""
    for (file, of), group in groupby(asides, lambda one: (one.place.file, one.of)):
        found = list(group)
        first, last = found[0].place.line, found[-1].place.line
        span = f"{first}" if first == last else f"{first}-{last}"
        yield printable(f"{file}:{span}: {of}: {', '.join(one.name for one in found)}")


def _wrapped(text: str, indent: str = "#   ") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"
