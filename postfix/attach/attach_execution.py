"""Carrying out a plan of attach or detach: replace the files, let Postfix check and read them.

Owns: the order of the steps, and the way back when one of them fails.
Must not know: what the new contents say.

The record is written before the files and forgotten after them, and each file is compared with it on its
own.  Killed between any two steps, the next attach or detach finds each file either as it was or as it was
to be, and goes on from there.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.files import atomic_file
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.edit_lock import edit_lock
from domain_secure.postfix.instance.master_cf import entries
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.forgetting import reload_and_wait

from . import attach_record
from .attachment import Plan
from .contents import MASTER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done."""

    changed: tuple[str, ...]  #: file names
    reloaded: bool  #: False also where Postfix does not run


def execute(plan: Plan, instance: PostfixInstance) -> Outcome:
    """Bring the files and the record to what *plan* says.

    Raises Problem when Postfix complains of the new files or cannot be reloaded; they are put back then.
    """
    for name in plan.current:
        atomic_file.remove_abandoned(plan.config_directory / name)
    if not plan.changes:
        _settle_record(plan)
        return Outcome((), reloaded=False)
    running = instance.is_running
    known = frozenset(complaint.meaning for complaint in instance.check())
    former = attach_record.read(plan.record_path)
    if plan.record is not None:
        attach_record.write(plan.record_path, plan.config_directory, plan.record)
    try:
        with edit_lock(plan.config_directory, *plan.changes):
            _replace(plan)
        _check(plan, instance, known)
        if running:
            reload_and_wait(instance, _services_gone(plan))
    except BaseException as error:
        stuck = _put_back(plan, instance, former, running=running)
        if isinstance(error, Problem):
            state = f"{', '.join(stuck)} could not be put back" if stuck else "the former files are back"
            raise Problem(f"{error.what} ({state})", error.where, error.fix, error.status) from error
        raise
    _settle_record(plan)
    return Outcome(plan.changes, reloaded=running)


def _services_gone(plan: Plan) -> frozenset[str]:
    """Return the services, NAME/TYPE, that the new master.cf has no more."""
    if MASTER not in plan.changes:
        return frozenset()
    before, after = (
        {entry.key.decode(errors="replace") for entry in entries(content[MASTER])}
        for content in (plan.current, plan.after)
    )
    return frozenset(before - after)


def _replace(plan: Plan) -> None:
    paths = {plan.config_directory / name: name for name in plan.changes}
    for path, name in paths.items():
        if path.read_bytes() != plan.current[name]:
            raise _changed(path)
    for path, name in paths.items():
        try:
            atomic_file.replace(path, plan.after[name], expected=plan.current[name])
        except atomic_file.ChangedMeanwhileError as error:
            raise _changed(path) from error
        except OSError as error:
            raise cannot_write("it cannot be replaced", str(path), error) from error


def _changed(path: Path) -> Problem:
    return Problem("it was changed by somebody else meanwhile", str(path), "try again")


def _check(plan: Plan, instance: PostfixInstance, known: frozenset[str]) -> None:
    """Raise Problem when ``postfix check`` complains of something it did not complain of before."""
    for complaint in instance.check():
        if complaint.is_about_a_later_release:
            continue
        if complaint.meaning not in known and (complaint.is_grave or not plan.is_way_out):
            raise Problem(
                f"postfix check: {complaint.text}",
                str(instance.config_directory),
                "mend it, then try again",
                ExitStatus.NO_ANSWER,
            )


def _put_back(
    plan: Plan, instance: PostfixInstance, former: attach_record.Record | None, *, running: bool
) -> list[str]:
    """Undo what was done of *plan*; return the names of the files for which that failed."""
    stuck = []
    for name in reversed(plan.changes):
        path = plan.config_directory / name
        try:
            if path.read_bytes() == plan.after[name]:
                atomic_file.replace(path, plan.current[name])
        except OSError:
            stuck.append(name)
    if former is not None:
        attach_record.write(plan.record_path, plan.config_directory, former)
    elif not stuck:
        attach_record.remove(plan.record_path)
    if running:
        with suppress(Problem):
            instance.reload()
    return stuck


def _settle_record(plan: Plan) -> None:
    if plan.record is None:
        attach_record.remove(plan.record_path)
    elif attach_record.read(plan.record_path) != plan.record:
        attach_record.write(plan.record_path, plan.config_directory, plan.record)
