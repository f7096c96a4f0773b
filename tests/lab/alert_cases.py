"""What the alert rules must say: situations as series, and the alerts that fire then, and no others.

The notation of values is Prometheus's for unit tests: ``5x30`` is thirty more of five, ``0+1x9`` counts up.
Each case lasts an hour of one sample a minute, unless the series itself ends earlier.
"""

from dataclasses import dataclass

_NAN = " ".join(["NaN"] * 60)
DAY = 24 * 60 * 60
_NODE = 'job="domain-secure",instance="mx1"'
_PARTNER = f'{_NODE},domain="woodgrovebank.test"'
_REFUSED = f'domain_secure_inbound_partner_refusals_total{{{_PARTNER},reason="expired"}}'
_FORGED = f'domain_secure_inbound_refusals_total{{{_PARTNER},reason="no-tls"}}'
_RECEIVED = f"domain_secure_messages_received_total{{{_PARTNER}}}"


def _ends(role: str) -> str:
    return f'domain_secure_certificate_not_after_timestamp_seconds{{{_NODE},role="{role}",name="n"}}'


HEALTHY = {
    f"up{{{_NODE}}}": "1x60",
    f"domain_secure_config_last_reload_successful{{{_NODE}}}": "1x60",
    f"domain_secure_maps_last_generation_successful{{{_NODE}}}": "1x60",
    f'domain_secure_healthy{{{_NODE},part="milter"}}': "1x60",
    f'domain_secure_healthy{{{_NODE},part="tables"}}': "1x60",
    f'domain_secure_list_vanished{{{_NODE},list="receive"}}': "0x60",
    f'domain_secure_list_vanished{{{_NODE},list="send"}}': "0x60",
    _ends("server,client"): f"{90 * DAY}x60",
    _ends("partner"): f"{90 * DAY}x60",
    _ends("unused"): f"{-DAY}x60",
    f'domain_secure_crl_next_update_timestamp_seconds{{{_NODE},issuer="CN=Authority"}}': f"{DAY}x60",
    f'domain_secure_decisions_total{{{_NODE},verdict="pass",method="pkix"}}': "0+1x60",
    f"domain_secure_messages_sent_total{{{_PARTNER}}}": "0+1x60",
    f"domain_secure_log_lag_seconds{{{_NODE}}}": "0x60",
    f"domain_secure_log_understood{{{_NODE}}}": "1x60",
    f'domain_secure_outbound_connection_problems_total{{{_PARTNER},reason="unreachable"}}': "0+1x60",
    f'domain_secure_records_lost_total{{{_NODE},where="queue"}}': "0x60",
    _RECEIVED: "0+1x60",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A situation: what differs from a healthy edge, and which alerts fire at its end."""

    what: str
    series: dict[str, str]
    alerts: tuple[str, ...]


def _with(name: str, value: str, labels: str = "") -> dict[str, str]:
    return {f"domain_secure_{name}{{{_NODE}{labels}}}": value}


CASES = (
    Case("all is well", {}, ()),
    Case("the daemon is away", {f"up{{{_NODE}}}": "1x30 0x30"}, ("DomainSecureDown",)),
    Case("the daemon was away for a minute", {f"up{{{_NODE}}}": "1x50 0 1x9"}, ()),
    Case(
        "a partner passed, and is refused from its first failure on",
        {_RECEIVED: "0+1x30 30x30", _REFUSED: "_x58 1 1"},
        ("DomainSecurePartnerRefused",),
    ),
    Case(
        "a partner passed, and is refused again and again",
        {_RECEIVED: "0+1x30 30x30", _REFUSED: "1x30 2+1x30"},
        ("DomainSecurePartnerRefused",),
    ),
    Case("a partner was refused long ago", {_REFUSED: "0+1x10 10x50"}, ()),
    Case("a message had to come twice while the partner writes", {_REFUSED: "1x50 2x10"}, ()),
    Case("strangers forge mail of a partner that is quiet", {_RECEIVED: "30x60", _FORGED: "0+50x60"}, ()),
    Case("a partner never passed", {_RECEIVED: "_x60", _REFUSED: "0+1x60"}, ()),
    Case(
        "a session to a partner failed once, for the first time",
        {f'domain_secure_outbound_session_failures_total{{{_PARTNER},reason="expired"}}': "_x58 1 1"},
        ("DomainSecureOutboundFailures",),
    ),
    Case(
        "a session to a partner failed again",
        {f'domain_secure_outbound_session_failures_total{{{_PARTNER},reason="expired"}}': "3x50 4x10"},
        ("DomainSecureOutboundFailures",),
    ),
    Case(
        "sessions failed an hour ago",
        {f'domain_secure_outbound_session_failures_total{{{_PARTNER},reason="expired"}}': "3x60"},
        (),
    ),
    Case(
        "a message left past the policy",
        {f"domain_secure_messages_sent_unverified_total{{{_PARTNER}}}": "_x50 1x10"},
        ("DomainSecureSentUnverified",),
    ),
    Case("the log is not followed", _with("log_lag_seconds", "0x30 0+60x30"), ("DomainSecureLogLag",)),
    Case(
        "Postfix logs elsewhere, or in another form",
        _with("log_understood", "1x30 0x30") | _with("log_lag_seconds", "0x30" + " NaN" * 30),
        ("DomainSecureLogNotUnderstood",),
    ),
    Case("nothing was logged yet", _with("log_understood", _NAN) | _with("log_lag_seconds", _NAN), ()),
    Case("the log was late for a while", _with("log_lag_seconds", "0x50 90 0x9"), ()),
    Case(
        "a fault of ours, for the first time",
        _with("decisions_total", "_x55 1x5", ',verdict="internal-error",method="none"'),
        ("DomainSecureInternalError",),
    ),
    Case(
        "our certificate has three weeks",
        {_ends("server,client"): f"{20 * DAY}x60"},
        ("DomainSecureOwnCertificateEndsSoon",),
    ),
    Case(
        "our certificate has a week",
        {_ends("client"): f"{6 * DAY}x60"},
        ("DomainSecureOwnCertificateEndsNow",),
    ),
    Case(
        "a partner's certificate has three weeks",
        {_ends("partner"): f"{20 * DAY}x60"},
        ("DomainSecurePartnerCertificateEndsSoon",),
    ),
    Case(
        "a partner's certificate has ended",
        {_ends("partner"): "60x60"},
        ("DomainSecurePartnerCertificateEndsNow",),
    ),
    Case(
        "a revocation list has ended",
        _with("crl_next_update_timestamp_seconds", "60x60", ',issuer="CN=Authority"'),
        ("DomainSecureRevocationListOutOfDate",),
    ),
    Case(
        "the configuration has a fault",
        _with("config_last_reload_successful", "1x50 0x10"),
        ("DomainSecureConfigurationNotApplied",),
    ),
    Case(
        "a list is gone from its file, so that the file is not taken over either",
        _with("list_vanished", "0x50 1x10", ',list="receive"')
        | _with("config_last_reload_successful", "1x50 0x10")
        | _with("healthy", "1x50 0x10", ',part="configuration"'),
        ("DomainSecureListVanished",),
    ),
    Case("a list was gone for a moment", _with("list_vanished", "0x50 1 0x9", ',list="send"'), ()),
    Case(
        "the milter is silent",
        _with("healthy", "1x50 0x10", ',part="milter"'),
        ("DomainSecurePartNotWorking",),
    ),
    Case("the milter was silent for a minute", _with("healthy", "1x50 0 1x9", ',part="milter"'), ()),
    Case(
        "somebody took a table away",
        _with("healthy", "1x50 0x10", ',part="tables"'),
        ("DomainSecurePartNotWorking",),
    ),
    Case(
        "the tables could not be made",
        _with("maps_last_generation_successful", "1x50 0x10")
        | _with("healthy", "1x50 0x10", ',part="tables"'),
        ("DomainSecureMapsNotGenerated",),
    ),
    Case(
        "port 25 no longer asks the daemon",
        _with("selfproof", "1x50 0x10"),
        ("DomainSecureSelfProofFailed",),
    ),
    Case(
        "port 25 is not tried any more",
        _with("selfproof", "1x40" + " NaN" * 20) | _with("healthy", "1x40 0x20", ',part="selfproof"'),
        ("DomainSecureSelfProofStale",),
    ),
    Case(
        "the daemon was away, and its counters go on",
        {
            f"up{{{_NODE}}}": "1x35 0x12 1x11",
            _RECEIVED: "5x35 _x12 5x11",
            _REFUSED: "30x35 _x12 30x11",
            f'domain_secure_outbound_session_failures_total{{{_PARTNER},reason="expired"}}': "9x35 _x12 9x11",
            f"domain_secure_messages_sent_unverified_total{{{_PARTNER}}}": "1x35 _x12 1x11",
        },
        (),
    ),
    Case(
        "an edge of a fleet holds an older policy",
        _with("fleet_applied_revision", "5x60") | _with("fleet_head_revision", "5x50 6x10"),
        ("DomainSecureFleetBehind",),
    ),
    Case(
        "the fleet's store is away",
        _with("fleet_store_reachable", "1x30 0x30"),
        ("DomainSecureFleetStoreAway",),
    ),
    Case(
        "records were lost",
        _with("records_lost_total", "0x55 7x5", ',where="queue"'),
        ("DomainSecureRecordsLost",),
    ),
)


def rule_tests(rules: str) -> dict[str, object]:
    """Return all cases as the document that ``promtool test rules`` reads."""
    return {"rule_files": [rules], "evaluation_interval": "1m", "tests": [_rule_test(case) for case in CASES]}


def _rule_test(case: Case) -> dict[str, object]:
    series = HEALTHY | case.series
    return {
        "name": case.what,
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": "1h",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in case.alerts],
            }
        ],
    }
