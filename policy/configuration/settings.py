"""The settings: one row for each key of the configuration.

Owns: which keys there are, what may stand there, the default, and what a change takes to come into force.
``reading`` parses by this table and ``settings_document`` writes the documentation from it.
"""

import json
import tomllib
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from domain_secure.policy.certificates.trust import ClientPurpose, CommonName, Revocation

from . import setting_kinds as kinds
from .configuration import (
    DEFAULT_METHODS,
    DEFAULT_METRICS_LISTEN,
    DEFAULT_MINIMUM_TLS,
    DEFAULT_REFLECTOR,
    DEFAULT_RETENTION,
    Condition,
    LogLevel,
    Method,
    Mode,
    OnFailure,
    SendMethod,
    StoreType,
    WhenDown,
)
from .kind import Kind, choice, list_of, only

PARTNER = "partner"  #: the section that has a table for each list entry, and these keys in each


@unique
class Effect(StrEnum):
    """What a running daemon needs to take over a change."""

    RELOAD = "reload"  #: it notices by itself
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: *default* is TOML text, or None where *otherwise* says what holds without the key."""

    section: str  #: "" for a key above all tables
    key: str
    kind: Kind
    default: str | None
    effect: Effect
    sentence: str
    otherwise: str = ""

    def default_value(self) -> Any:
        """Return the parsed default, or None when there is none."""
        if self.default is None:
            return None
        return self.kind.parse(tomllib.loads(f"value = {self.default}")["value"])


_RELOAD, _RESTART = Effect.RELOAD, Effect.RESTART
_METRICS_LISTEN = json.dumps("{}:{}".format(*DEFAULT_METRICS_LISTEN))
_ONE_PROCESS = "this version serves with one process"

SETTINGS: tuple[Setting, ...] = (
    Setting("", "mode", choice(Mode), '"enforce"', _RELOAD,
            "`observe` takes, logs, counts and marks every decision and refuses nothing: the trial run."),

    Setting("receive", "domains", list_of(kinds.ENTRY), "[]", _RELOAD,
            "Mail that claims one of these domains must come over TLS from the partner itself."),
    Setting("receive", "domains_file", kinds.PATH, None, _RELOAD,
            "A file with more entries, one a line, `#` starts a comment; for long or generated lists.",
            "no file"),
    Setting("receive", "hold_back", kinds.PART, "0.5", _RELOAD,
            "How large a part of the list may be gone from its files at once: more, of four entries or more, "
            "is held back until `domain-secure receive confirm`, and all of it, whatever stands here, until "
            "`domain-secure receive set --none`. Commands that take entries off confirm that by themselves."),
    Setting("receive", "on_failure", choice(OnFailure), '"reject"', _RELOAD,
            "What happens to mail that fails: refused for good, refused for now, or delivered with a mark "
            "that says so."),

    Setting("send", "domains", list_of(kinds.ENTRY), "[]", _RELOAD,
            "Mail to these domains leaves over mutually authenticated TLS or not at all."),
    Setting("send", "domains_file", kinds.PATH, None, _RELOAD,
            "A file with more entries, one a line, `#` starts a comment; for long or generated lists.",
            "no file"),
    Setting("send", "hold_back", kinds.PART, "0.5", _RELOAD,
            "How large a part of the list may be gone from its files at once: more, of four entries or more, "
            "is held back until `domain-secure send confirm`, and all of it, whatever stands here, until "
            "`domain-secure send set --none`. Commands that take entries off confirm that by themselves."),

    Setting(PARTNER, "names", list_of(kinds.CERTIFICATE_NAME, empty=False), None, _RELOAD,
            "The names the partner's certificates are for: a certificate counts when it names one of these "
            "or a host under it.",
            "the domain of the table"),
    Setting(PARTNER, "receive_names", list_of(kinds.CERTIFICATE_NAME), "[]", _RELOAD,
            "Stands in the place of `names` for mail that comes in, where the partner's certificates as a "
            "client have other names than those of its servers, as at some gateways (docs/gateways.md)."),
    Setting(PARTNER, "send_names", list_of(kinds.CERTIFICATE_NAME), "[]", _RELOAD,
            "Stands in the place of `names` for mail that we send; `mx` goes before it."),
    Setting(PARTNER, "methods", list_of(choice(Method), empty=False), json.dumps(DEFAULT_METHODS), _RELOAD,
            "How a sending server may prove to be the partner, tried in this order; `postfix` is weaker than "
            "the others: it believes the common name that Postfix shows."),
    Setting(PARTNER, "require", list_of(choice(Condition)), "[]", _RELOAD,
            "What a message needs besides a session that proves to be the partner: `dkim` is a valid DKIM "
            "signature of the claimed domain, for a partner behind a gateway that it shares with others."),
    Setting(PARTNER, "send_method", choice(SendMethod), '"pkix"', _RELOAD,
            "How the partner's server is verified when we send."),
    Setting(PARTNER, "mode", choice(Mode), None, _RELOAD,
            "`enforce` or `observe` for this partner alone.",
            "`mode` above all tables"),
    Setting(PARTNER, "pins", list_of(kinds.PIN), "[]", _RELOAD,
            "SHA-256 digests of certificates or public keys that are believed as they are: neither chain nor "
            "dates are asked."),
    Setting(PARTNER, "timed_pins", list_of(kinds.TIMED_PIN), "[]", _RELOAD,
            "Pins that count for a time: the key a partner takes next, and the one it gives up then. A pin "
            "that stands here counts in its time alone, even where it stands under `pins` too; out of its "
            "time mail that comes with it is deferred, for a clock may be wrong (docs/agreement.md)."),
    Setting(PARTNER, "agreement_key", kinds.PUBLIC_KEY, None, _RELOAD,
            "The Ed25519 key that signs the partner's agreement files, as somebody at the partner confirmed "
            "it.",
            "no file is believed without its fingerprint"),
    Setting(PARTNER, "agreement_issued", kinds.TIME, None, _RELOAD,
            "When the agreement file that was accepted last was signed: no older one is read again.",
            "none was accepted"),
    Setting(PARTNER, "agreement_until", kinds.TIME, None, _RELOAD,
            "How long that agreement holds; `check` and `status` tell when it has ended.",
            "none was accepted"),
    Setting(PARTNER, "minimum_tls", kinds.TLS_VERSION, json.dumps(str(DEFAULT_MINIMUM_TLS)), _RELOAD,
            "The oldest TLS version that is good enough, in both directions."),
    Setting(PARTNER, "mx", list_of(kinds.HOST), "[]", _RELOAD,
            "Names of the partner's mail servers that are accepted instead of `names` and `send_names` when "
            "we send; for a partner whose servers are named after their provider."),

    Setting(PARTNER, "via", kinds.NEXTHOP, None, _RELOAD,
            "Where this partner's mail is sent instead of to its MX hosts; its certificate is still checked "
            "against `send_names`, `names` or `mx`. Two partners with different rules cannot share a relay.",
            "the MX hosts"),
    Setting(PARTNER, "servername", kinds.HOST, None, _RELOAD,
            "The name sent in the TLS handshake (SNI), for a server that shows different certificates by it.",
            "none, or with DANE the host's"),
    Setting(PARTNER, "send_ca_file", kinds.PATH, None, _RELOAD,
            "Certificate authorities, in PEM, that are believed for this partner's servers when we send, and "
            "instead of `ca_file`; for a partner with an authority of its own. It does not count for mail "
            "that comes in.",
            "`ca_file` under `[trust]`"),

    Setting("trust", "ca_file", kinds.PATH, '"/etc/ssl/certs/ca-certificates.crt"', _RELOAD,
            "The certificate authorities that are believed, in PEM; a file of your own keeps them few."),
    Setting("trust", "client_purpose", choice(ClientPurpose), '"accept-server"', _RELOAD,
            "Whether a certificate made for TLS servers only may authenticate a sending server: public "
            "authorities stop issuing the client purpose, and the name is the partner's host either way."),
    Setting("trust", "revocation", choice(Revocation), '"prefer"', _RELOAD,
            "How much must be known about revocation, by CRL or OCSP: `prefer` refuses what is known to be "
            "revoked, `require` also defers mail while that is not known."),
    Setting("trust", "crl_files", list_of(kinds.PATH), "[]", _RELOAD,
            "Files of revocation lists, PEM or DER, besides those that certificates name themselves; read "
            "again when they change."),
    Setting("trust", "fetch_private", kinds.BOOLEAN, "false", _RELOAD,
            "Whether revocation lists, OCSP responders and issuers' certificates that certificates name are "
            "also asked for at private and loopback addresses; for an authority of your own."),
    Setting("trust", "revocation_refresh", kinds.REFRESH, '"1h"', _RELOAD,
            "How old what a location of revocation lists or an OCSP responder said may become before it is "
            "asked again, however long that holds. Authorities publish a revocation within minutes to a day, "
            "and their servers are made for a question an hour."),
    Setting("trust", "distrusted", list_of(kinds.PIN), "[]", _RELOAD,
            "Certificates, of hosts or of authorities, and keys that authenticate nobody, whatever else "
            "speaks for them: neither a pin nor a TLSA record makes such a certificate pass, nor a chain "
            "through such an authority; `domain-secure partner cert distrust` adds one."),
    Setting("trust", "expiry_warning", kinds.DURATION, '"21d"', _RELOAD,
            "How long before its end a certificate is warned of, ours or a partner's: by `check`, `status`, "
            "`cert list` and the status page. One that lives less than three times as long is warned of in "
            "the last third of its life, at least seven days ahead unless this says less; the last seven "
            "days, or the last third of a longer time, are urgent."),
    Setting("trust", "common_name", choice(CommonName), '"never"', _RELOAD,
            "Whether a certificate that has no DNS name may be named by its common name."),

    Setting("inbound", "trusted_relays", list_of(kinds.NETWORK), "[]", _RELOAD,
            "Our own servers in front of this one: never refused, and the mark they added is kept."),
    Setting("inbound", "trusted_relay_certificates", list_of(kinds.PIN), "[]", _RELOAD,
            "Certificates or public keys of our own servers, wherever they connect from: who shows one is a "
            "trusted relay; in a fleet all edges share them."),
    Setting("inbound", "trusted_services", list_of(kinds.SERVICE), "[]", _RELOAD,
            "Services of master.cf whose mail keeps the marks it brings, because filters of ours give mail "
            "back by them; `attach`, which is to be run again then, takes marks off on the other ways in."),
    Setting("inbound", "exempt_clients", list_of(kinds.NETWORK), "[]", _RELOAD,
            "Clients that are never refused and never marked as passed; behind a local proxy that ends TLS "
            "every client is 127.0.0.1, so name that address with care."),
    Setting("inbound", "probe", kinds.BOOLEAN, "true", _RELOAD,
            "Whether listed domains' certificates are looked up at their servers, by schedule and when an "
            "unknown one arrives; the daemon connects to port 25 and says EHLO, STARTTLS, EHLO and QUIT."),
    Setting("inbound", "probe_timeout", kinds.SECONDS, "5", _RELOAD,
            "How long a message may wait while an unknown certificate is looked into; then it is deferred."),
    Setting("inbound", "when_down", choice(WhenDown), '"defer-all"', _RELOAD,
            "What Postfix does while the daemon does not answer: it defers all mail. `defer-listed` is taken "
            "for `defer-all`, because Postfix alone cannot tell what a header claims."),
    Setting("inbound", "authserv_id", kinds.AUTHSERV_ID, None, _RELOAD,
            "The name under which results are added to `Authentication-Results` (RFC 8601).",
            "Postfix's `myhostname`"),
    Setting("inbound", "help_url", kinds.HELP_URL, None, _RELOAD,
            "A page for administrators whose mail is refused, such as docs/refused.md on a web site of ours: "
            "replies name it, with `#` and the reason word behind it.",
            "replies name no page"),

    Setting("reflector", "address", kinds.MAILBOX, None, _RELOAD,
            "Who writes to this address hears by mail what was seen of his session and what to mend, if it "
            "is shown that the letter is his (docs/reflector.md). Postfix must take mail for it: an alias of "
            "postmaster will do.",
            "nobody is answered"),
    Setting("reflector", "per_author", kinds.NUMBER, str(DEFAULT_REFLECTOR.per_author), _RELOAD,
            "How many answers an author gets in 24 hours."),
    Setting("reflector", "per_domain", kinds.NUMBER, str(DEFAULT_REFLECTOR.per_domain), _RELOAD,
            "How many answers go to one domain, with all under it, in 24 hours."),
    Setting("reflector", "per_client", kinds.NUMBER, str(DEFAULT_REFLECTOR.per_client), _RELOAD,
            "How many letters from one IP address, of IPv6 from one network of 64 bits, are answered in 24 "
            "hours."),
    Setting("reflector", "per_day", kinds.NUMBER, str(DEFAULT_REFLECTOR.per_day), _RELOAD,
            "How many answers there are altogether in 24 hours."),

    Setting("outbound", "direct", kinds.BOOLEAN, "true", _RELOAD,
            "Listed domains are reached by their MX records, past any `relayhost`, so that the verified "
            "server is the partner's."),

    Setting("outbound", "give_up", kinds.DURATION, None, _RELOAD,
            "How long mail to listed domains may wait for a server that can be verified; then it goes back "
            "to its sender, where `domain-secure-give-up.timer` is enabled.",
            "as long as Postfix's `maximal_queue_lifetime`"),
    Setting("outbound", "tables", kinds.BOOLEAN, "true", _RELOAD,
            "Whether this node writes Postfix's tables of the send list; `false` where it only receives."),

    Setting("selfproof", "enabled", kinds.BOOLEAN, "true", _RELOAD,
            "Whether the daemon tests its own port 25 at its start and then again and again, by canary "
            "messages that are never let in: with a right certificate, with a wrong one, and with none."),
    Setting("selfproof", "interval", kinds.DURATION, '"1h"', _RELOAD,
            "How much time lies between two such tests."),

    Setting("postfix", "config_directory", kinds.PATH, '"/etc/postfix"', _RESTART,
            "The configuration of the Postfix instance that is served."),
    Setting("postfix", "log", kinds.LOG, '"auto"', _RESTART,
            "Where Postfix logs to, for the counters of outbound mail: a file, `journal`, or `auto`: what "
            "`maillog_file` names, else `/var/log/mail.log` if there is one, else the journal."),

    Setting("metrics", "listen", kinds.LISTEN, _METRICS_LISTEN, _RESTART,
            "Where metrics, health and the status page are served; elsewhere than on a loopback address only "
            "with `cert_file`, `key_file` and `token_file`."),
    Setting("metrics", "cert_file", kinds.PATH, None, _RESTART,
            "The certificate chain of that listener, in PEM, which then speaks TLS; a renewed one is shown "
            "at once.",
            "no TLS"),
    Setting("metrics", "key_file", kinds.PATH, None, _RESTART,
            "The key of `cert_file`, readable for the user of the daemon.",
            "no TLS"),
    Setting("metrics", "token_file", kinds.PATH, None, _RESTART,
            "A file with one secret of 16 characters or more, not readable for everybody: who asks must show "
            "it, as `Authorization: Bearer` or as the password of any user name.",
            "nobody is asked for a token"),
    Setting("metrics", "host_names", list_of(kinds.HOST), "[]", _RESTART,
            "Names besides those of loopback under which a browser may ask where there is no token; for a "
            "proxy in front. Other names get nothing, or any web site could read the page through its "
            "visitors."),

    Setting("metrics", "allow_changes", kinds.BOOLEAN, "false", _RESTART,
            "Whether the status page may also change something, after a confirmation: switch a connector, "
            "settle a pending certificate, promote or bypass a partner. It takes `token_file`, and "
            "`domain-secure-changes.socket` (docs/connectors.md)."),

    Setting("paths", "state", kinds.PATH, '"/var/lib/domain-secure"', _RESTART,
            "The folder for tables, known certificates and the record of what `attach` changed."),

    Setting("log", "receive", choice(LogLevel), '"normal"', _RELOAD,
            "How much the protocol log says about mail that comes in."),
    Setting("log", "send", choice(LogLevel), '"normal"', _RELOAD,
            "How much the protocol log says about mail that goes out."),

    Setting("log", "services", list_of(kinds.SERVICE_LEVEL), "[]", _RELOAD,
            "Levels of single smtpd services, instead of `receive`, for what comes in by them; "
            "`domain-secure connector set NAME protocol-log=LEVEL` writes them. Where it cannot be told by "
            "which service a session came in, `receive` holds."),

    Setting("history", "days", kinds.DAYS, str(DEFAULT_RETENTION.days), _RELOAD,
            "How long single messages are kept for `log show`, `report` and `whatif`."),
    Setting("history", "summary_days", kinds.DAYS, str(DEFAULT_RETENTION.summary_days), _RELOAD,
            "How long the hourly counts of each partner are kept, from which a report draws its totals."),
    Setting("history", "megabytes", kinds.MEGABYTES, str(DEFAULT_RETENTION.megabytes), _RELOAD,
            "How large the history may grow, whatever its age; the oldest messages give way first."),

    Setting("milter", "socket", kinds.SOCKET, None, _RESTART,
            "Where the milter listens; over TCP each event costs up to 40 ms, so prefer a unix socket.",
            "`unix:`, and `domain-secure/milter` in Postfix's queue directory"),
    Setting("milter", "workers", only(1, "1", _ONE_PROCESS), "1", _RESTART,
            f"Must be 1: {_ONE_PROCESS}."),

    Setting("policy_service", "socket", kinds.SOCKET, None, _RESTART,
            "Where the policy service listens.",
            "`unix:`, and `domain-secure/policy` in Postfix's queue directory"),

    Setting("store", "type", choice(StoreType), '"file"', _RESTART,
            "`etcd`: the lists and what else decides about mail are shared by a fleet of edges, and may not "
            "stand in this file (docs/fleet.md)."),
    Setting("store", "endpoints", list_of(kinds.ENDPOINT), "[]", _RESTART,
            "The etcd servers, all of them: one that does not answer is passed over."),
    Setting("store", "prefix", kinds.PREFIX, '"/domain-secure/"', _RESTART,
            "What every key of the fleet begins with."),
    Setting("store", "node", kinds.NODE_NAME, None, _RESTART,
            "The name of this node in the fleet.",
            "the host name"),
    Setting("store", "ca_file", kinds.PATH, None, _RESTART,
            "The authority of the etcd servers' certificates, in PEM.",
            "the authorities that Python's requests library brings along"),
    Setting("store", "cert_file", kinds.PATH, None, _RESTART,
            "The certificate this node shows to etcd.",
            "none is shown"),
    Setting("store", "key_file", kinds.PATH, None, _RESTART,
            "The key of that certificate; the daemon's user must be able to read it.",
            "it stands in `cert_file`"),
    Setting("store", "username", kinds.WORD, None, _RESTART,
            "The user of etcd that this node logs in as.",
            "no log-in"),
    Setting("store", "password_file", kinds.PATH, None, _RESTART,
            "A file with that user's password in its first line; the daemon's user must be able to read it.",
            "no log-in"),
    Setting("store", "require_signature", kinds.BOOLEAN, "false", _RELOAD,
            "Whether this node applies only revisions that one of `trusted_keys` signed."),
    Setting("store", "trusted_keys", list_of(kinds.PUBLIC_KEY), "[]", _RELOAD,
            "The Ed25519 keys of administrators; `domain-secure fleet trust` adds one."),
    Setting("store", "signing_key_file", kinds.PATH, None, _RELOAD,
            "The Ed25519 key, PEM, that commands run here sign revisions with; keep it off the edges.",
            "revisions made here are not signed"),
)  # fmt: skip

SECTIONS = tuple(dict.fromkeys(setting.section for setting in SETTINGS if setting.section))


def settings_of(section: str) -> dict[str, Setting]:
    """Return the settings of a section by key; of "" those above all tables."""
    return {setting.key: setting for setting in SETTINGS if setting.section == section}
