"""Which other instances of Postfix this machine has.

Source: postmulti(1), ``-l``: name, group, whether it is enabled, and the configuration directory.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.processes import last_line, run
from domain_secure.postfix.instance.programs import PostfixInstance


@dataclass(frozen=True, slots=True)
class OtherInstance:
    """One of them."""

    name: str  #: ``-`` where it has none
    config_directory: Path


def other_instances(instance: PostfixInstance) -> tuple[OtherInstance, ...]:
    """Return those that postmulti(1) knows besides *instance*; raises Problem where it does not tell."""
    done = run(["postmulti", "-l"])
    if done.returncode != 0:
        what = last_line(done.stderr) or f"postmulti ended with status {done.returncode}"
        raise Problem(what, "postmulti -l", "run it by hand", ExitStatus.NO_ANSWER)
    found = []
    for line in done.stdout.splitlines():
        fields = line.split(None, 3)
        if len(fields) == 4 and not _is_same(fields[3], instance):
            found.append(OtherInstance(fields[0], Path(fields[3])))
    return tuple(found)


def _is_same(directory: str, instance: PostfixInstance) -> bool:
    return os.path.realpath(directory) == os.path.realpath(instance.config_directory)
