"""The configuration as frozen values: what the rest of the program reads.

Owns: the types and the look-up of a partner's rule.  Reading and checking text is ``settings``'s part.
Must not know: files, sockets, Postfix.
Invariant: a Configuration that exists is valid as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, unique
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.certificates.trust import ClientPurpose, CommonName, Revocation
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry, entry_base
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.nexthop import Nexthop
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin
from domain_secure.policy.terms.tls import TlsVersion

Network = IPv4Network | IPv6Network


@unique
class Mode(StrEnum):
    """Whether a verdict is acted upon, or taken, counted and marked only."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


@unique
class OnFailure(StrEnum):
    """What a failed verdict does to the message (DESIGN section 2)."""

    REJECT = "reject"
    DEFER = "defer"
    TAG = "tag"


@unique
class Method(StrEnum):
    """How an inbound session may prove to be the partner."""

    PIN = "pin"
    PKIX = "pkix"
    DANE = "dane"
    POSTFIX = "postfix"


@unique
class Condition(StrEnum):
    """What a partner's messages may need besides an authenticated session."""

    DKIM = "dkim"


@unique
class SendMethod(StrEnum):
    """How the partner's server is verified on the way out."""

    PKIX = "pkix"
    DANE = "dane"
    PIN = "pin"


@unique
class WhenDown(StrEnum):
    """What Postfix does while the daemon does not answer."""

    DEFER_ALL = "defer-all"
    DEFER_LISTED = "defer-listed"


@unique
class StoreType(StrEnum):
    """Where what decides about mail is kept."""

    FILE = "file"
    ETCD = "etcd"


@unique
class LogLevel(StrEnum):
    """How much the protocol log says."""

    OFF = "off"
    NORMAL = "normal"
    VERBOSE = "verbose"


@dataclass(frozen=True, slots=True)
class Partner:
    """The rule for one list entry; every default is filled in."""

    entry: Entry  #: the list entry, or the key of the partner table it came from
    names: tuple[Domain, ...]  #: what a certificate of the partner is named, itself or a host under it
    methods: tuple[Method, ...]
    require: tuple[Condition, ...]  #: all of them, besides one of the methods
    send_method: SendMethod
    mode: Mode
    pins: frozenset[Pin]  #: as written; from `load` on those that count at present
    minimum_tls: TlsVersion
    mx: tuple[Domain, ...]  #: literal MX host names to accept instead of the names, outbound
    via: Nexthop | None = None  #: where mail goes instead of to the MX hosts, outbound
    servername: Domain | None = None  #: sent as SNI, outbound; None: Postfix's choice
    send_ca_file: Path | None = None  #: authorities for this partner's servers alone, outbound
    receive_names: tuple[Domain, ...] = ()  #: instead of `names`, of what it shows when it sends to us
    send_names: tuple[Domain, ...] = ()  #: instead of `names`, of what its servers show when we send
    timed_pins: tuple[TimedPin, ...] = ()  #: each counts in its time alone
    agreement_key: PublicKey | None = None  #: signs what the partner announces
    agreement_issued: datetime | None = None  #: when what was accepted last was signed
    agreement_until: datetime | None = None  #: how long that holds

    @property
    def client_names(self) -> tuple[Domain, ...]:
        """Return the names of the certificates it shows as a TLS client, inbound."""
        return self.receive_names or self.names

    @property
    def server_names(self) -> tuple[Domain, ...]:
        """Return the names of the certificates its mail servers show, outbound; `mx` goes before them."""
        return self.send_names or self.names


@dataclass(frozen=True, slots=True)
class Trust:
    """Which certificates are believed, and how far."""

    ca_file: Path
    ca_file_is_default: bool  #: nobody named it, so its absence is a finding and not an error
    client_purpose: ClientPurpose
    revocation: Revocation
    common_name: CommonName
    crl_files: tuple[Path, ...] = ()
    fetch_private: bool = False  #: whether lists and responders may be asked at private addresses
    revocation_refresh: float = 3600.0  #: seconds; how old what they said may become
    distrusted: frozenset[Pin] = frozenset()  #: certificates and keys that authenticate nobody
    expiry_warning: timedelta = timedelta(days=21)  #: how long before its end a certificate is warned of


@dataclass(frozen=True, slots=True)
class Inbound:
    """Who is exempt, and what happens while evidence is missing."""

    trusted_relays: tuple[Network, ...]
    exempt_clients: tuple[Network, ...]
    probe: bool  #: whether partners' servers are asked for their certificates
    probe_timeout: float  #: seconds
    when_down: WhenDown
    authserv_id: str | None  #: RFC 8601 section 2.5; None: Postfix's myhostname
    trusted_relay_certificates: tuple[Pin, ...] = ()  #: who shows one of these is a trusted relay too
    help_url: str | None = None  #: of a page for refused partners, without a fragment; see `reply`
    trusted_services: tuple[str, ...] = ()  #: NAME/TYPE of master.cf; the mail they take in keeps its marks


@dataclass(frozen=True, slots=True)
class Store:
    """The store of a fleet, and what this node is in it; of type ``file`` nothing else counts."""

    type: StoreType = StoreType.FILE
    endpoints: tuple[str, ...] = ()
    prefix: str = "/domain-secure/"
    node: str = ""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    require_signature: bool = False
    trusted_keys: tuple[PublicKey, ...] = ()
    signing_key_file: Path | None = None


FILE_STORE = Store()


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of what happened is kept."""

    days: int  #: single records
    summary_days: int  #: the hourly counts
    megabytes: int  #: of everything; the oldest gives way


@dataclass(frozen=True, slots=True)
class Reflector:
    """Which address answers with what was seen of a session, and how often in 24 hours."""

    address: str | None  #: in lower case, ``local-part@domain``; None: nobody is answered
    per_author: int
    per_domain: int
    per_client: int
    per_day: int


DEFAULT_REFLECTOR = Reflector(None, per_author=4, per_domain=20, per_client=20, per_day=200)
DEFAULT_RETENTION = Retention(days=90, summary_days=730, megabytes=256)


@dataclass(frozen=True, slots=True)
class WebAccess:
    """How metrics and the status page are protected; beyond loopback the first three are there."""

    cert_file: Path | None = None
    key_file: Path | None = None
    token_file: Path | None = None
    host_names: tuple[Domain, ...] = ()  #: under which a browser may ask, besides those of loopback
    allow_changes: bool = False  #: whether the page may change something, not only show it


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that was configured; immutable, so that a reload is one assignment."""

    path: Path
    mode: Mode
    receive: DomainList
    on_failure: OnFailure
    send: DomainList
    partners: Mapping[Entry, Partner]  #: by the key of the partner table
    trust: Trust
    inbound: Inbound
    direct: bool  #: outbound: send listed domains by MX, past any relayhost
    config_directory: Path  #: Postfix's
    metrics_listen: tuple[str, int]
    metrics_access: WebAccess
    state: Path
    log_receive: LogLevel
    log_send: LogLevel
    milter_socket: str | None  #: libmilter notation; None: below Postfix's queue directory
    policy_socket: str | None
    files: tuple[Path, ...]  #: every file that was read for it, to be watched
    history: Retention = DEFAULT_RETENTION
    postfix_log: str = "auto"  #: where Postfix logs to: ``auto``, ``journal``, or a file
    outbound_tables: bool = True  #: this node writes Postfix's tables of the send list
    give_up: float | None = None  #: seconds after which held mail goes back; None: as Postfix says
    self_proof: bool = True  #: whether canary messages test our own port 25
    self_proof_interval: float = 3600.0  #: seconds between two such tests
    store: Store = FILE_STORE
    receive_hold_back: float = 0.5  #: the part of the list that may go at once without a confirmation
    send_hold_back: float = 0.5
    log_services: Mapping[str, LogLevel] = field(default_factory=dict)  #: instead of ``log_receive``
    reflector: Reflector = DEFAULT_REFLECTOR
    revision: int | None = None  #: of the fleet's policy that is part of this; None without a fleet
    bypasses: tuple[Bypass, ...] = ()  #: of this machine, those that were not over when this was read
    conditions: frozenset[Condition] = field(init=False)  #: what any partner's messages need
    #: what was decided by it, and may be again (``policy/decision/kept_decisions.py``)
    kept: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Gather the conditions: each session asks for them, and there may be thousands of partners."""
        gathered = frozenset(one for partner in self.partners.values() for one in partner.require)
        object.__setattr__(self, "conditions", gathered)

    def bypass(self, entry: Entry, direction: Direction, now: datetime) -> Bypass | None:
        """Return what lets mail of a list entry through unproved at *now*, or None."""
        return next((one for one in self.bypasses if one.covers(entry, direction, now)), None)

    @property
    def sent_unproved(self) -> frozenset[Entry]:
        """Return the list entries to which mail goes out whatever their servers prove, by a bypass."""
        return frozenset(one.entry for one in self.bypasses if Direction.SEND in one.directions)

    def partner(self, entry: Entry) -> Partner:
        """Return the rule for a list entry: its own, else the closest wildcard's, else the defaults.

        ``*.fabrikam.test`` on a list also finds the rule written for ``fabrikam.test``.
        """
        if entry in self.partners:
            return self.partners[entry]
        base = entry_base(entry)
        if entry != Entry(base) and Entry(base) in self.partners:
            return self.partners[Entry(base)]
        parent: str = base
        while "." in parent:
            parent = parent.split(".", 1)[1]
            if (wildcard := Entry(f"*.{parent}")) in self.partners:
                return self.partners[wildcard]
        return default_partner(entry, self.mode)


DEFAULT_METHODS = (Method.PIN, Method.PKIX, Method.DANE)
DEFAULT_MINIMUM_TLS = TlsVersion.TLS_1_2
DEFAULT_METRICS_LISTEN = ("127.0.0.1", 9797)


def default_partner(entry: Entry, mode: Mode) -> Partner:
    """Return the rule of an entry that has no partner table."""
    return Partner(
        entry=entry,
        names=(entry_base(entry),),
        methods=DEFAULT_METHODS,
        require=(),
        send_method=SendMethod.PKIX,
        mode=mode,
        pins=frozenset(),
        minimum_tls=DEFAULT_MINIMUM_TLS,
        mx=(),
    )
