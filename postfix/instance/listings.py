"""What postconf(1) has listed, remembered for as long as nothing of what it read has changed.

Owns: how long an answer stands.  An examination asks for some hundred values, a few of them at a time, and
each start of postconf costs as much as the list of all its parameters.
Must not know: what any parameter means.
Invariant: an answer is given again only where both files hold, byte for byte, what they held before and after
it was listed, on a machine of the same name with the same programs.  Outside `remembering` every question is
asked anew.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_FILES = ("main.cf", "master.cf")


@dataclass(slots=True)
class _Memory:
    """What was listed of each configuration directory, and what its files held then."""

    states: dict[Path, tuple[object, ...]] = field(default_factory=dict)
    listed: dict[Path, dict[tuple[str, ...], object]] = field(default_factory=dict)


_memory: ContextVar[_Memory | None] = ContextVar("_memory", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Remember within the block, in this thread, what postconf listed; one block within another is one."""
    if _memory.get() is not None:
        yield
        return
    token = _memory.set(_Memory())
    try:
        yield
    finally:
        _memory.reset(token)


def listed(directory: Path, question: tuple[str, ...], program: str | None, ask: Callable[[], T]) -> T:
    """Return what *ask* answers to *question*, or what it answered before; what it raises is not remembered.

    *program* is the file of postconf, None where there is none.  Whoever gets an answer must not change it.
    """
    memory = _memory.get()
    before = _state(directory, program) if memory else None
    if memory is None or before is None:
        return ask()
    if memory.states.get(directory) != before:
        memory.states[directory] = before
        memory.listed[directory] = {}
    answers = memory.listed[directory]
    if question not in answers:
        answer = ask()
        if _state(directory, program) != before:
            return answer
        answers[question] = answer
    return answers[question]  # type: ignore[return-value]  # one question has answers of one type


def is_remembering() -> bool:
    """Tell whether an answer would be remembered: then it is worth asking for everything."""
    return _memory.get() is not None


def _state(directory: Path, program: str | None) -> tuple[object, ...] | None:
    """Return all that postconf's answers follow from; None where it cannot be read."""
    if program is None:
        return None
    try:
        contents = [(directory / name).read_bytes() for name in _FILES]
        found = Path(program).stat()
    except OSError:
        return None
    return (*contents, os.uname().nodename, program, found.st_ino, found.st_mtime_ns, found.st_size)
