"""The fleet's part of ``serve``: what the agent learns of this node, and the daemon of the fleet.

Owns: how a report comes about: the revision in the milter, the one read back from Postfix's tables, the
certificates, the checks, the counters.
"""

import hashlib
import secrets
import socket
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.counters import counted
from domain_secure.fleet.node.agent import Agent, Standing
from domain_secure.fleet.node.follower import Follower
from domain_secure.fleet.node.reports import NO_MAPS, Report, bounded_counters
from domain_secure.fleet.node.shared_book import SharedBook
from domain_secure.fleet.node.shared_revocation import SharedRevocation
from domain_secure.fleet.store.client import Etcd
from domain_secure.fleet.store.repository import Repository
from domain_secure.milter.daemon.daemon import log_event
from domain_secure.milter.daemon.surroundings import Running
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.book.certificate_book import FILE_NAME
from domain_secure.policy.configuration.configuration import Configuration, Store
from domain_secure.policy.configuration.fleet_cache import FleetCache
from domain_secure.policy.configuration.reading import parse, read_configuration
from domain_secure.policy.configuration.shared_policy import SharedPolicy, overrides
from domain_secure.policy.configuration.shared_settings import known_keys
from domain_secure.policy.own.enabled_certificates import EnabledCertificates
from domain_secure.policy.own.own_inventory import expiries, inventory_of
from domain_secure.policy.revisions.lineage import Demands
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.revocation.revocation_store import FOLDER, RevocationStore
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.threads.bounded_start import BoundedStartThread
from domain_secure.postfix.attach.unforgotten import FIX, unforgotten
from domain_secure.postfix.doctor.doctor import examine
from domain_secure.postfix.findings.findings import Severity
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.read_back import tables_hold

_CHECK_SECONDS = 900.0
_MOST_CHECKED = 10_000  #: listed domains; with more, checking would keep the node busy
_FORGETTING_SECONDS = 60.0  #: after which the usual reports are soon enough
_PAUSE = 0.25
Publish = Callable[[Configuration, Metrics], None]


class FleetCompanion:
    """Made before the daemon, because the daemon needs a policy to start with."""

    def __init__(self, path: Path, publish: Publish) -> None:
        self._path = path
        self._publish = publish
        local = parse(read_configuration(path), path, shared=SharedPolicy(b""))
        self._store: Store = local.store
        self._cache = FleetCache(local.state)
        self._agent: Agent | None = None
        self._in_tables: tuple[int | None, int | str | None] = (None, None)
        self._check = "not run yet"
        self._check_due = 0.0
        self._instance = _instance(self._cache)
        self._host = ""  #: myhostname

    def fetch_first(self) -> None:
        """Fetch the policy where this node has none that can be used; raises Problem."""
        try:
            self._cache.read()
        except Problem as missing:
            follower = self._follower(Repository(Etcd(self._store), self._store.prefix))
            follower.follow(is_damaged=True)
            if follower.problem:
                raise Problem(follower.problem, str(self._path), missing.fix, missing.status) from missing

    def publish(self, configuration: Configuration, metrics: Metrics) -> None:
        """Bring Postfix's tables up to date, read them back, and let the agent report."""
        self._publish(configuration, metrics)
        self._in_tables = (configuration.revision, _revision_in_tables(configuration))
        if self._agent is not None:
            self._agent.changed()
            if _not_in_force(configuration) is not None:
                # Without a thread the agent reports as soon as it reports anything.
                with suppress(RuntimeError):
                    BoundedStartThread(self._await, (configuration,), name="in-force").start()

    def _await(self, configuration: Configuration) -> None:
        """Let the agent report as soon as root has let Postfix forget former routes."""
        due = time.monotonic() + _FORGETTING_SECONDS
        while time.monotonic() < due:
            time.sleep(_PAUSE)
            if _not_in_force(configuration) is None:
                break
        if self._agent is not None:
            self._agent.changed()

    def companions(self, running: Running) -> tuple[Agent]:
        """Return the agent, for the daemon to start and stop."""
        self._agent = Agent(
            self._store,
            self._follower,
            lambda problem: self._report(running, problem),
            running.wake,
            lambda standing: _observe(standing, running.metrics),
            log_event,
            lambda repository: self._exchange(repository, running),
        )
        return (self._agent,)

    @staticmethod
    def _exchange(repository: Repository, running: Running) -> Callable[[], object]:
        state = running.configuration().state
        book = SharedBook(repository, state / FILE_NAME, running.configuration)
        revocation = SharedRevocation(repository, RevocationStore(state / FOLDER))

        def exchange() -> None:
            book.exchange()
            revocation.exchange()

        return exchange

    def _follower(self, repository: Repository) -> Follower:
        return Follower(self._path, self._cache, repository, self._demands, log_event)

    def _demands(self) -> Demands:
        store = parse(read_configuration(self._path), self._path, shared=SharedPolicy(b"")).store
        return Demands(store.require_signature, frozenset(store.trusted_keys))

    def _report(self, running: Running, problem: str | None) -> Report:
        configuration = running.configuration()
        fault = running.configuration_fault()
        envelope, known = self._held(), self._cache.known()
        same = envelope is not None and envelope.revision.number == configuration.revision
        return Report(
            version=version("postfix-domain-secure"),
            at=datetime.now(UTC),
            milter=configuration.revision,
            digest=envelope.revision.digest if envelope and same else "",
            maps=self._in_tables[1] if self._in_tables[0] == configuration.revision else None,
            problem=problem or (str(fault) if fault else None),
            check=self._checked(configuration),
            certificate_days=_certificate_days(configuration),
            settings=tuple(sorted(known_keys())),
            overrides=self._overrides(),
            counters=bounded_counters(counted(running.metrics)),
            not_in_force=_not_in_force(configuration),
            instance=self._instance,
            machine=socket.gethostname(),
            authserv_id=configuration.inbound.authserv_id or self._host,
            known=known.number if known else None,
            proof=envelope if same else None,
        )

    def _held(self) -> Envelope | None:
        try:
            return self._cache.envelope()
        except Problem:
            return None  # the follower says so, and fetches it again

    def _overrides(self) -> Mapping[str, Mapping[str, Any]]:
        try:
            text = self._cache.read()[1].text.decode()
        except Problem:
            return {}
        return overrides(tomllib.loads(text)).get(self._store.node, {})

    def _checked(self, configuration: Configuration) -> str:
        """Return the last outcome of ``check``, which a thread of its own brings up to date now and then."""
        if time.monotonic() >= self._check_due:
            self._check_due = time.monotonic() + _CHECK_SECONDS
            # Without a thread the former outcome stands until it is due again.
            with suppress(RuntimeError):
                BoundedStartThread(self._run_check, (configuration,), name="check").start()
        return self._check

    def _run_check(self, configuration: Configuration) -> None:
        with suppress(Problem):
            self._host = PostfixInstance(configuration.config_directory).parameter("myhostname")
        self._check = _outcome_of_check(configuration)
        if self._agent is not None:
            self._agent.changed()


def _instance(cache: FleetCache) -> str:
    """Return what tells this machine from every other, also from one that was copied from it.

    A copy of the state has another machine-id(5), or at least another boot_id (random(4)).
    """
    try:
        parts = [cache.instance()]
    except OSError:
        parts = [secrets.token_hex(16)]
    for path in (Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id")):
        with suppress(OSError):
            parts.append(path.read_text().strip())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _not_in_force(configuration: Configuration) -> str | None:
    if not configuration.outbound_tables:
        return None
    found = unforgotten(configuration, PostfixInstance(configuration.config_directory))
    return None if found is None else f"{found.detail}; {FIX}"


def _revision_in_tables(configuration: Configuration) -> int | str | None:
    if not configuration.outbound_tables or not (configuration.state / "maps").exists():
        return NO_MAPS if not configuration.send or not configuration.outbound_tables else None
    try:
        held = tables_hold(configuration, PostfixInstance(configuration.config_directory))
    except Problem:
        return None
    return configuration.revision if held else None


def _outcome_of_check(configuration: Configuration) -> str:
    if not (configuration.config_directory / "main.cf").exists():
        return "no Postfix here"
    if len(configuration.send) + len(configuration.receive) > _MOST_CHECKED:
        return "not run on long lists"
    found = examine(configuration, PostfixInstance(configuration.config_directory), datetime.now(UTC))
    errors = [finding for finding in found.findings if finding.severity is Severity.ERROR]
    if not errors:
        return "ok"
    more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    return f"{errors[0].what}{more}"


def _certificate_days(configuration: Configuration) -> int | None:
    """Return the days until the first of this node's certificates in use ends."""
    try:
        in_use = EnabledCertificates(configuration.state).roles()
        found = expiries(inventory_of(configuration.state), in_use)
        ends = [first.not_after for role, _, first in found if role != "unused"]
    except (Problem, OSError):
        return None
    return min(((end - datetime.now(UTC)).days for end in ends), default=None)


def _observe(standing: Standing, metrics: Metrics) -> None:
    metrics.fleet.set(standing.applied, standing.head, standing.contact, reachable=standing.reachable)
