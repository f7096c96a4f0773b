"""Files of the state folder, which the daemon's user writes and root's commands read, too."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.milter.daemon.activation import InheritedSockets
from domain_secure.milter.daemon.passing_on import _REQUESTS, take_up_requests
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.policy.book.book_rescue import COPY, BookRescue
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.bypass import bypass_file
from domain_secure.policy.bypass.bypass_file import BypassFile
from domain_secure.policy.configuration import fleet_cache, lists_in_force
from domain_secure.policy.configuration.fleet_cache import FleetCache
from domain_secure.policy.configuration.lists_in_force import ListsInForce
from domain_secure.policy.onboarding import kept_onboarding
from domain_secure.policy.own.watch_list import WatchList, list_beside
from domain_secure.policy.promotion import waiting, watch_file
from domain_secure.policy.record import log_levels
from domain_secure.policy.revocation import location_report, refresh_request
from domain_secure.policy.revocation.refresh_request import RefreshRequests
from domain_secure.policy.revocation.revocation import Location
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.tables import publication

from attack.fuzzing.target import Take, Target

_LOCATION = Location("http://crl.woodgrovebank.test/1.crl")
_TOKEN = "0123456789abcdef"
_NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
Readers = dict[str, Callable[[], object]]  #: by file


def _readers(state: Path) -> Readers:
    cache, lists, bypasses = FleetCache(state), ListsInForce(state), BypassFile(state)
    store, requests = RevocationStore(state / "revocation"), RefreshRequests(state)
    in_bypass, in_fleet = bypass_file.FOLDER, fleet_cache.FOLDER
    return {
        f"{in_bypass}/{bypass_file.IN_FORCE}": bypasses.in_force,
        f"{in_bypass}/{bypass_file.FORMER}": bypasses.ever,
        f"{in_bypass}/{bypass_file.ACCOUNT}": bypasses.account,
        f"{in_fleet}/revision.json": cache.read,
        f"{in_fleet}/contact.json": cache.contact,
        f"{in_fleet}/instance": cache.instance,
        fleet_cache._KNOWN: cache.known,
        lists_in_force.IN_FORCE: lists.read,
        lists_in_force.CONFIRMED: lists.confirmations,
        kept_onboarding.FILE_NAME: lambda: kept_onboarding.kept_onboardings(state),
        waiting.FILE: lambda: waiting.waiting(state),
        watch_file.FILE: lambda: watch_file.with_now(watch_file.read(state), _NOW),
        log_levels.FILE_NAME: lambda: log_levels.temporary_levels(state),
        location_report.FILE_NAME: lambda: location_report.read_failures(state),
        f"{refresh_request.FOLDER}/{_TOKEN}{refresh_request._ANSWER}": lambda: requests.answer(_TOKEN),
        f"revocation/{_LOCATION.file_name}": lambda: (
            store.get(_LOCATION), list(store.all()), list(store.own_files())
        ),
        f"tables/{publication.RECORD}": lambda: publication.Record.read(state / "tables"),
        "domain-secure.watched.json": WatchList(list_beside(state / "domain-secure.toml"), state).all,
    }  # fmt: skip


@contextmanager
def _state(folder: Path) -> Iterator[Take]:
    readers = _readers(folder)
    for place in readers:
        (folder / place).parent.mkdir(exist_ok=True)

    def take(octets: bytes) -> None:
        for place, read in readers.items():
            file = folder / place
            file.write_bytes(octets)
            with suppress(Problem):
                read()
            file.unlink(missing_ok=True)
        _passed_on(octets)

    yield take


def _passed_on(octets: bytes) -> None:
    """Take up what an earlier process of the daemon left."""
    number = os.memfd_create(_REQUESTS)
    os.write(number, octets)
    take_up_requests(InheritedSockets(passed_on=[(_REQUESTS, number)]), RecentRequests(lambda: 0.0))


@contextmanager
def _book(folder: Path) -> Iterator[Take]:
    """The copy of the book, from which it is put back when it was lost."""
    path = folder / "certificates.sqlite"

    def take(octets: bytes) -> None:
        for file in folder.iterdir():
            file.unlink()
        book = CertificateBook(path)
        (folder / COPY).write_bytes(octets)
        said: list[Event] = []
        BookRescue(book, path, said.append).attend()
        book.close()
        "".join(map(str, said))

    yield take


TARGETS = (
    Target("state", _state, 256 * 1024, 4.0, (b",", b"[", b"{", b"\n")),
    Target("book", _book, 256 * 1024, 4.0, (b",", b"[", b"{")),
)
