"""What the daemon is told by whoever composes it.

Owns: the shape of that.  Must not know: Postfix, its tables, DNS, a fleet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain_secure.milter.knowledge.knowledge import Background, Sources
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.page.http_server import Render
from domain_secure.milter.proof.canary import Canaries
from domain_secure.milter.proof.door import Door
from domain_secure.milter.record.current_levels import Listeners
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.sending.delivery import DeliveryObserver
from domain_secure.policy.sending.delivery_counts import OutboundProgress
from domain_secure.policy.terms.problems import Problem

from .activation import InheritedSockets
from .sockets import Endpoint

if TYPE_CHECKING:
    from domain_secure.milter.changes.page_changes import PageChanges


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where Postfix finds the daemon."""

    milter: Endpoint
    policy: Endpoint


@dataclass(frozen=True, slots=True)
class Running:
    """What a companion of the daemon may know and do."""

    configuration: Callable[[], Configuration]
    configuration_fault: Callable[[], Problem | None]  #: why the files on disk are not applied
    metrics: Metrics
    wake: Callable[[], None]  #: look for changed files now
    canaries: Canaries


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the daemon is told of Postfix and of the network, which it does not know itself.

    *configuration_changed* is called with the configuration at the start and after every reload, from the
    supervising thread; it may take its time.
    *sources* is called once, with the book and with what gives the configuration in force; *deliveries*
    likewise, with what takes the outbound counters, and with those that want to hear of each delivery.
    *status_page* returns what renders the page at ``/``, *further_pages* what else is served, by path.
    *changes* returns what changes something by the page, or None where the page only shows.
    *companions* are started and stopped with the daemon.  *inherited* are sockets of the service manager.
    *postfix_changed* tells whether Postfix was upgraded or its files edited since the last question, after
    which *configuration_changed* is called again.  *tables_taken_away* tells what somebody did to the tables
    that it made, or None.  *smtp_listeners* tells where Postfix's smtpd services listen, and *door* where our
    own does; both may raise Problem.  *keeps_recipients_apart* is `Reflector`'s.
    """

    endpoints: Callable[[Configuration], Endpoints]
    configuration_changed: Callable[[Configuration, Metrics], None]
    sources: Callable[[CertificateBook, Callable[[], Configuration]], Sources]
    deliveries: Callable[
        [Callable[[], Configuration], Callable[[OutboundProgress], None], tuple[DeliveryObserver, ...]],
        Background,
    ]
    status_page: Callable[[Callable[[], Configuration]], Render]
    companions: Callable[[Running], tuple[Background, ...]] = lambda _: ()
    inherited: InheritedSockets = field(default_factory=InheritedSockets)
    postfix_changed: Callable[[Configuration], bool] = lambda _: False
    tables_taken_away: Callable[[], str | None] = lambda: None
    further_pages: Callable[[Callable[[], Configuration]], Mapping[str, Render]] = lambda _: {}
    smtp_listeners: Listeners = lambda _: ()
    door: Callable[[Configuration], Door | None] = lambda _: None
    keeps_recipients_apart: Callable[[Configuration], bool] = lambda _: True
    changes: Callable[[Callable[[], Configuration]], "PageChanges | None"] = lambda _: None
