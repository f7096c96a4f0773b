"""``domain-secure serve``: compose the daemon and run it."""

import argparse
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from domain_secure.commands.terminal.common import belongs_to_fleet, configuration_path
from domain_secure.milter.daemon.activation import InheritedSockets
from domain_secure.milter.daemon.daemon import Daemon, log_event
from domain_secure.milter.daemon.sockets import Endpoint
from domain_secure.milter.daemon.surroundings import Endpoints, Running, Surroundings
from domain_secure.milter.knowledge.knowledge import Sources, StrangerSources
from domain_secure.milter.memory.memory_upkeep import limit_arenas
from domain_secure.milter.proof.door import Door
from domain_secure.milter.proof.self_proof import OwnPostfix, SelfProof
from domain_secure.milter.record.journal import log_handler, name_no_places
from domain_secure.milter.record.repeated_lines import RepeatedLines
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.book.client_requests import ClientRequests
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.files.file_signature import file_signature
from domain_secure.policy.sending.delivery import DeliveryObserver
from domain_secure.policy.sending.delivery_counts import OutboundProgress
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.attach.attach_record import is_receiving
from domain_secure.postfix.dns.dkim_key_lookup import DkimKeyLookup
from domain_secure.postfix.dns.dns_lookup import system_lookup
from domain_secure.postfix.dns.mail_exchangers import mail_exchangers
from domain_secure.postfix.dns.spf_lookup import SpfLookup
from domain_secure.postfix.dns.tlsa_lookup import TlsaLookup
from domain_secure.postfix.instance import socket_folder
from domain_secure.postfix.instance.endpoints import SOCKET_FOLDER
from domain_secure.postfix.instance.own_listener import own_listener
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.log.log_follower import LogFollower
from domain_secure.postfix.log.log_follower import Surroundings as FollowerSurroundings
from domain_secure.postfix.log.log_location import LocationWatch, log_location
from domain_secure.postfix.probe.client_identity import CurrentIdentity
from domain_secure.postfix.probe.probe import probe
from domain_secure.postfix.probe.probe_schedule import ProbeSchedule
from domain_secure.postfix.probe.probe_source import ProbeSource
from domain_secure.postfix.services.smtp_listeners import smtp_listeners

from .changing import page_changes
from .late_pages import FurtherPages, late_status_page
from .table_watch import TableWatch


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``serve``."""
    del command
    parser.add_argument(
        "--debug", action="store_true", help="also log what helps to find a fault of the daemon"
    )
    parser.set_defaults(run=serve)


def serve(arguments: argparse.Namespace) -> ExitStatus:
    """Run the daemon until it is told to stop."""
    limit_arenas()
    _set_up_logging(debug=arguments.debug)
    inherited = InheritedSockets.take()
    try:
        _composed(configuration_path(arguments), inherited).run()
    except Problem:
        # Whoever waits while a daemon cannot start would wait in vain.
        inherited.turn_away()
        raise
    return ExitStatus.DONE


def _composed(path: Path, inherited: InheritedSockets) -> Daemon:
    tables = TableWatch()
    surroundings = Surroundings(
        endpoints,
        tables.publish,
        sources,
        partial(deliveries, tables.complained_of),
        late_status_page,
        lambda running: (self_proof(running),),
        inherited,
        postfix_changed=PostfixWatch(),
        tables_taken_away=tables.taken_away,
        further_pages=FurtherPages,
        changes=page_changes,
        smtp_listeners=lambda current: smtp_listeners(PostfixInstance(current.config_directory)),
        door=_door,
        keeps_recipients_apart=_keeps_recipients_apart,
    )
    if belongs_to_fleet(path):
        # Loads requests, for which a machine that stands alone should not pay.
        from .fleet_companion import FleetCompanion  # noqa: PLC0415

        fleet = FleetCompanion(path, tables.publish)
        fleet.fetch_first()
        surroundings = replace(
            surroundings,
            configuration_changed=fleet.publish,
            companions=lambda running: (self_proof(running), *fleet.companions(running)),
        )
    return Daemon(load, path, version("postfix-domain-secure"), surroundings)


class PostfixWatch:
    """Tells whether Postfix itself or its two files were changed since the last question."""

    def __init__(self) -> None:
        self._watch: LocationWatch | None = None

    def __call__(self, configuration: Configuration) -> bool:
        """Return it; nothing has changed before the first question."""
        if self._watch is None:
            program = shutil.which("postconf")
            self._watch = LocationWatch(configuration.config_directory, [Path(program)] if program else [])
        return self._watch.changed()


def endpoints(configuration: Configuration) -> Endpoints:
    """Return where the daemon listens: as configured, else below Postfix's queue directory."""
    milter, policy = configuration.milter_socket, configuration.policy_socket
    if milter is None or policy is None:
        instance = PostfixInstance(configuration.config_directory)
        folder = instance.queue_directory / SOCKET_FOLDER
        if os.geteuid() == 0 and not folder.exists():
            socket_folder.create(instance)
        milter = milter or f"unix:{folder}/milter"
        policy = policy or f"unix:{folder}/policy"
    return Endpoints(Endpoint.parse(milter), Endpoint.parse(policy))


def sources(book: CertificateBook, configuration: Callable[[], Configuration]) -> Sources:
    """Return where further evidence comes from: probes of partners' servers, and DNS."""
    identity = CurrentIdentity(lambda: PostfixInstance(configuration().config_directory))
    prober = ProbeSource(
        book,
        configuration,
        lambda domain: mail_exchangers(domain, system_lookup),
        lambda target: probe(target, identity()),
        requests=ClientRequests(configuration().state / FILE_NAME),
    )
    schedule = ProbeSchedule(
        configuration,
        prober.probe_partner,
        book.last_probes,
        lambda: _inode(configuration().state / FILE_NAME),
    )
    return Sources(
        (prober,),
        TlsaLookup(configuration, system_lookup),
        (schedule,),
        keys=DkimKeyLookup(system_lookup),
        strangers=StrangerSources(
            SpfLookup(system_lookup),
            DkimKeyLookup(system_lookup),
            TlsaLookup(configuration, system_lookup),
            prober.shown_by,
        ),
    )


def self_proof(running: Running) -> SelfProof:
    """Return what tests our own port 25."""
    return SelfProof(
        running.configuration,
        OwnPostfix(
            _door,
            lambda configuration: is_receiving(configuration.state, configuration.config_directory),
            _Ground(),
        ),
        running.canaries,
        running.metrics,
        log_event,
    )


def _door(configuration: Configuration) -> Door | None:
    found = own_listener(PostfixInstance(configuration.config_directory))
    if found is None:
        return None
    return Door(found.address, found.port, str(found), found.is_behind_proxy, found.others)


def _keeps_recipients_apart(configuration: Configuration) -> bool:
    postfix = PostfixInstance(configuration.config_directory)
    return postfix.parameter("enable_original_recipient", "yes") == "yes"


class _Ground:
    """What a canary's fate rests on: Postfix's files, sockets, tables, certificates, our configuration."""

    def __init__(self) -> None:
        self._asked: Configuration | None = None
        self._sockets: tuple[Path, ...] = ()

    def __call__(self, configuration: Configuration) -> tuple[object, ...]:
        """Return what changes with any of it."""
        if configuration is not self._asked:
            self._asked = configuration
            try:
                found = endpoints(configuration)
            except Problem:
                self._sockets = ()
            else:
                self._sockets = tuple(one.path for one in (found.milter, found.policy) if one.path)
        directory, maps = configuration.config_directory, configuration.state / "maps"
        files = [
            *(directory / name for name in ("main.cf", "master.cf")),
            *self._sockets,
            *(sorted(maps.iterdir()) if maps.is_dir() else ()),
            configuration.trust.ca_file,
            configuration.state / "keys" / "enabled",
        ]
        return (configuration, *map(file_signature, files))


def deliveries(
    table_unavailable: Callable[[Configuration], None],
    configuration: Callable[[], Configuration],
    publish: Callable[[OutboundProgress], None],
    observers: tuple[DeliveryObserver, ...],
) -> LogFollower:
    """Return what reads of deliveries in Postfix's log."""
    watch = LocationWatch(configuration().config_directory)
    return LogFollower(
        FollowerSurroundings(
            configuration,
            lambda current: log_location(current, PostfixInstance(current.config_directory)),
            watch.changed,
            publish,
            observers,
            log_event,
            table_unavailable,
        )
    )


def _inode(file: Path) -> int | None:
    found = file_signature(file)
    return found[1] if found else None


def _set_up_logging(*, debug: bool) -> None:
    logger = logging.getLogger("domain_secure")
    name_no_places()
    handler = log_handler()
    handler.addFilter(RepeatedLines(log_event))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
