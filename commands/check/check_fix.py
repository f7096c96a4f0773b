"""``domain-secure check --fix``: mend what attach and generate own, after showing the difference and asking.

Owns: what is shown, the question, and that nothing else is applied than what was shown.
Must not know: what is wrong.  Settings that an administrator made for other mail are never touched: their
findings say what a person may do.  It is all in attach's record, so that detach gives the old bytes back.
"""

import sys

from domain_secure.commands.attach.attach import apply_attach, print_plan
from domain_secure.commands.terminal.common import note
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.attachment import Plan, Request, plan_attach
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.differences import Difference, differences
from domain_secure.postfix.tables.publication import Job


def fix(configuration: Configuration, instance: PostfixInstance, *, agreed: bool) -> None:
    """Show what attach and generate would change, and do it once the person agrees; raises Problem."""
    request = Request(receive=bool(configuration.receive), send=bool(configuration.send))
    plan = plan_attach(configuration, instance, request)
    tables = _tables(configuration, instance)
    if not plan.changes and not tables:
        note("nothing that --fix may mend: the rest was set by somebody, and is for a person to decide")
        return
    _show(plan, tables)
    if not (agreed or _agrees()):
        return
    for line in apply_attach(configuration, instance, request, shown=plan):
        print(line)


def _tables(configuration: Configuration, instance: PostfixInstance) -> tuple[Difference, ...]:
    if not configuration.send:
        return ()
    job = Job.of(configuration, instance)
    return tuple(one for one in differences(job) if one.what != "is missing" or job.expected(one.table))


def _show(plan: Plan, tables: tuple[Difference, ...]) -> None:
    print_plan(plan)
    for table in tables:
        shown = False
        for line in table.diff:
            print(line)
            shown = True
        if not shown:
            print(f"{table.path}: {table.what}: it is written anew")


def _agrees() -> bool:
    """Ask on a terminal; raises Problem where nobody can be asked."""
    if not sys.stdin.isatty():
        raise Problem("nobody can be asked, and nothing was changed", "--fix", "add --yes to apply this")
    print("Apply this? [y/N] ", end="", flush=True)
    agreed = sys.stdin.readline().strip().lower() in {"y", "yes"}
    if not agreed:
        note("nothing was changed")
    return agreed
