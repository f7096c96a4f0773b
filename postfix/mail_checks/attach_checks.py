"""The doctor's question to attach: would it write anything else today?

What attach copies from main.cf, and what follows from our configuration, may have changed since it ran.
"""

from collections.abc import Iterable, Iterator
from difflib import unified_diff

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.attachment import Plan, Request, plan_attach
from domain_secure.postfix.attach.client_certificates import AwakenedError, awake
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.programs import PostfixInstance

AWAKE = "what acts on client certificates does so only because attach"
SHOWN = 4  #: lines of the difference


def check_attachment(configuration: Configuration, instance: PostfixInstance) -> Iterator[Finding]:
    """Yield a finding when the halves that are attached are not as attach would write them now."""
    try:
        plan = plan_attach(configuration, instance, Request(receive=False, send=False))
    except AwakenedError as problem:
        yield Finding.error(
            "client-certificate-permits", f"{AWAKE} asks for certificates", problem.where, problem.fix
        )
        return
    except Problem as problem:
        yield Finding.warning(
            "attach-refuses",
            f"domain-secure attach would not do this any more: {problem.what}",
            problem.where,
            problem.fix,
        )
        return
    yield from _check_asleep(instance, plan)
    if changes := [name for name in plan.changes if not _is_moved_only(plan, name)]:
        yield Finding.warning(
            "attach-outdated",
            f"attach would write {' and '.join(changes)} otherwise than it is",
            "; ".join(_difference(plan, changes)),
            "see the rest with domain-secure attach --dry-run, then run domain-secure attach",
        )


def _check_asleep(instance: PostfixInstance, plan: Plan) -> Iterator[Finding]:
    """Yield what attach's question for certificates wakes, and what of it cannot be seen."""
    services = {service.key: service for service in instance.services()}
    for key, asleep in (plan.inbound.asleep if plan.inbound is not None else {}).items():
        if asleep.slept and (found := awake(instance, services[key], asleep)):
            yield Finding.error(
                "client-certificate-permits",
                f"{AWAKE} asks for certificates",
                f"{key}: " + "; ".join(f"{name} has {', '.join(those)}" for name, those in found.items()),
                "run domain-secure attach, which keeps it from that, or set smtpd_tls_ask_ccert = yes in "
                "main.cf if it is meant",
            )
        if asleep.unseen:
            yield Finding.not_looked_at(
                f"what others do with client certificates, for which only attach asks at {key}",
                ", ".join(asleep.unseen),
                "see that none lets a client in by its certificate, or set smtpd_tls_ask_ccert = yes in "
                "main.cf if that is meant",
            )


def _is_moved_only(plan: Plan, name: str) -> bool:
    """Tell whether our lines would only go behind what others added to the file since."""
    before, after = (sorted(_settings(content[name])) for content in (plan.current, plan.after))
    return before == after


def _settings(content: bytes) -> list[bytes]:
    return [line.strip() for line in content.splitlines() if line.strip() and not line.startswith(b"#")]


def _difference(plan: Plan, changes: Iterable[str]) -> list[str]:
    """Return the first lines that would change."""
    changed: list[str] = []
    for name in changes:
        before, after = (
            content[name].decode(errors="replace").splitlines() for content in (plan.current, plan.after)
        )
        lines = list(unified_diff(before, after, n=0, lineterm=""))[2:]
        changed += [line for line in lines if not line.startswith("@@") and line[1:].strip()]
    return changed[:SHOWN] + ["…"] * (len(changed) > SHOWN)
