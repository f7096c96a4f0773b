"""`attach` meets an administrator's settings: listed mail is verified afterwards, or waits and is named."""

import pytest

from lab.laboratory import ADDRESSES, EVIL, WOODGROVE, Lab
from lab.ways_out import BOSS, LEAVES, RELAY, Crossroads, Way, Went

pytestmark = pytest.mark.real

VERIFIED, HELD = Went.VERIFIED, Went.HELD


#: What an SMTP client inherits from main.cf, several settings in one row; each is decided on by itself, and
#: those that keep mail are in test_transport_inherits.py.
INHERITED = {
    "weaker verification": (
        "smtp_tls_security_level = none",
        "smtp_tls_policy_maps = static:none",
        "smtp_tls_mandatory_protocols = TLSv1",
        "smtp_tls_mandatory_ciphers = null",
        "smtp_tls_CAfile =",
        "smtp_tls_CApath =",
        "tls_append_default_CA = yes",
        f"smtp_tls_secure_cert_match = {EVIL}",
        "smtp_tls_verify_cert_match = hostname",
        "smtp_tls_fingerprint_digest = md5",
    ),
    "TLS as it was set long ago": (
        "smtp_tls_security_level =",
        "smtp_use_tls = no",
        "smtp_enforce_tls = yes",
        "smtp_tls_enforce_peername = no",
    ),
    "sessions and connections that are kept": (
        "smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache",
        "smtp_tls_connection_reuse = yes",
        "smtp_connection_cache_on_demand = yes",
        f"smtp_connection_cache_destinations = {WOODGROVE}",
        "smtp_tls_loglevel = 0",
        "smtp_tls_note_starttls_offer = no",
        "smtp_tls_block_early_mail_reply = yes",
    ),
    "other servers": (
        "smtp_host_lookup = native",
        "best_mx_transport = local",
        "ignore_mx_lookup_error = yes",
        "smtp_defer_if_no_mx_address_found = no",
        "smtp_mx_address_limit = 1",
        "smtp_address_preference = ipv6",
        "smtp_bind_address6 = ::1",
        "smtp_bind_address_enforce = yes",
        "smtp_cname_overrides_servername = yes",
        "smtp_skip_5xx_greeting = no",
        "soft_bounce = yes",
        "smtp_sasl_auth_enable = yes",
        "smtp_sasl_password_maps = static:somebody:secret",
    ),
    "what a message says, and how": (
        f"smtp_generic_maps = inline:{{{{ admin@{WOODGROVE} = somebody@{EVIL} }}}}",
        "smtp_header_checks = regexp:{{/^Subject:/ PREPEND X-Seen: yes}}",
        "smtp_pix_workarounds = disable_esmtp",
        "smtp_pix_workaround_threshold_time = 0s",
        "smtp_helo_timeout = 1s",
        "smtp_starttls_timeout = 100s",
        "lmtp_tls_security_level = none",
        "tls_preempt_cipherlist = yes",
        "tls_ssl_options = 0x40000000",
        "default_destination_concurrency_limit = 1",
    ),
    "relays to fall back on": (
        f"relayhost = [{ADDRESSES[EVIL]}]",
        f"smtp_fallback_relay = [{ADDRESSES[EVIL]}]",
        f"fallback_relay = [{ADDRESSES[EVIL]}]",
    ),
}

ROWS = (
    *(Way(name, VERIFIED, main=settings, counted="sent") for name, settings in INHERITED.items()),
    *(
        Way(
            f"{name}, and a partner who is not to be believed",
            HELD,
            main=INHERITED[name],
            distrusted=True,
            counted="failed",
        )
        for name in ("weaker verification", "relays to fall back on")
    ),
    Way("a static route", VERIFIED, main=(f"transport_maps = static:{RELAY}",), counted="sent"),
    Way(
        "everybody by pattern",
        VERIFIED,
        main=("transport_maps = regexp:{folder}/all",),
        files={"all": f"/.*/ {RELAY}\n"},
        counted="sent",
    ),
    Way(
        "one recipient's route",
        VERIFIED,
        main=("transport_maps = texthash:{folder}/boss",),
        files={"boss": f"{BOSS} {RELAY}\n{WOODGROVE} {RELAY}\n* {RELAY}\n"},
        recipient=BOSS,
        counted="sent",
    ),
    Way("by sendmail", VERIFIED, by_sendmail=True, counted="sent"),
)


@pytest.fixture(scope="module")
def crossroads(lab: Lab) -> Crossroads:
    """The laboratory with everything that mail could be led astray by."""
    return Crossroads(lab)


@pytest.mark.parametrize("way", ROWS, ids=lambda way: way.name)
def test_way(crossroads: Crossroads, way: Way) -> None:
    """After attach the message is verified or waits as the row says, and is counted right."""
    seen = crossroads.before_attach(way)
    assert (seen.ways, way.named - seen.errors, seen.counted) == (way.ways, frozenset(), way.counters), (
        seen.log
    )


def test_nothing_leaves_unproven() -> None:
    """No row of this table ends otherwise than verified or held."""
    assert not [way.name for way in ROWS if way.ways & LEAVES]
