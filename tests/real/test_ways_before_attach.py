"""`attach` meets settings of the administrator's: mail to a listed domain is verified afterwards, or waits and is named."""

import pytest

from lab.laboratory import ADDRESSES, EVIL, WOODGROVE, Lab
from lab.ways_out import BOSS, LEAVES, RELAY, Crossroads, Way, Went

pytestmark = pytest.mark.real

VERIFIED, HELD = Went.VERIFIED, Went.HELD


def inherited(*settings: str, went: Went = VERIFIED, distrusted: bool = False, counted: str = "") -> Way:
    """Return a row about settings that an SMTP client of Postfix inherits from main.cf."""
    told = counted or ("failed" if distrusted else "sent")
    return Way(
        ", ".join(settings) + (", distrusted" if distrusted else ""),
        went,
        main=settings,
        distrusted=distrusted,
        counted=told,
    )


ROWS = (
    inherited("disable_dns_lookups = yes", f"relayhost = [{ADDRESSES[EVIL]}]"),
    inherited("smtp_dns_support_level = disabled", f"relayhost = [{ADDRESSES[EVIL]}]"),
    inherited("smtp_host_lookup = native"),
    inherited("smtp_discard_ehlo_keywords = starttls"),
    inherited("smtp_discard_ehlo_keyword_address_maps = static:starttls"),
    inherited("smtp_tls_mandatory_exclude_ciphers = aNULL, ECDHE, DHE, RSA, AES, CHACHA20, TLSv1.3"),
    inherited("smtp_tls_exclude_ciphers = ALL"),
    inherited("smtp_tls_mandatory_protocols = TLSv1"),
    inherited("smtp_tls_mandatory_ciphers = null"),
    inherited("smtp_tls_security_level = none"),
    inherited("smtp_tls_security_level = encrypt"),
    inherited("smtp_tls_security_level =", "smtp_use_tls = no"),
    inherited("smtp_tls_security_level =", "smtp_enforce_tls = yes", "smtp_tls_enforce_peername = no"),
    inherited("smtp_tls_wrappermode = yes", "smtp_tls_security_level = encrypt"),
    inherited("smtp_tls_policy_maps = static:none"),
    inherited("smtp_tls_policy_maps = static:may", distrusted=True, went=HELD),
    inherited("smtp_tls_CAfile =", "smtp_tls_CApath ="),
    inherited("smtp_tls_secure_cert_match = nexthop"),
    inherited(f"smtp_tls_secure_cert_match = {EVIL}", "smtp_tls_verify_cert_match = hostname"),
    inherited("smtp_tls_fingerprint_digest = md5"),
    inherited("smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache"),
    inherited("smtp_tls_connection_reuse = yes", "smtp_connection_cache_on_demand = yes"),
    inherited(f"smtp_connection_cache_destinations = {WOODGROVE}"),
    inherited("smtp_tls_loglevel = 0"),
    inherited("smtp_tls_note_starttls_offer = no"),
    inherited("smtp_tls_block_early_mail_reply = yes"),
    inherited("tls_high_cipherlist = NULL", "tls_medium_cipherlist = NULL"),
    inherited("tls_append_default_CA = yes"),
    inherited("tls_preempt_cipherlist = yes", "tls_ssl_options = 0x40000000"),
    inherited("smtp_sasl_auth_enable = yes", "smtp_sasl_password_maps = static:somebody:secret"),
    inherited("smtp_fallback_relay = [203.0.113.66]", distrusted=True, went=HELD),
    inherited("fallback_relay = [203.0.113.66]", distrusted=True, went=HELD),
    inherited("smtp_delivery_status_filter = regexp:{{/^4(\\.7\\.5.*)/ 5$$1}}", distrusted=True, went=HELD),
    inherited(
        "default_delivery_status_filter = regexp:{{/^4(\\.7\\.5.*)/ 5$$1}}", distrusted=True, went=HELD
    ),
    inherited("soft_bounce = yes"),
    inherited("best_mx_transport = local"),
    inherited("smtp_reply_filter = regexp:{{/^250-STARTTLS/ 250-NOTHING}}"),
    inherited("smtp_dns_reply_filter = regexp:{{/ MX / IGNORE}}"),
    inherited(f"smtp_generic_maps = inline:{{{{ admin@{WOODGROVE} = somebody@{EVIL} }}}}"),
    inherited("smtp_header_checks = regexp:{{/^Subject:/ PREPEND X-Seen: yes}}"),
    inherited("smtp_skip_5xx_greeting = no", "ignore_mx_lookup_error = yes"),
    inherited("smtp_defer_if_no_mx_address_found = no", "smtp_mx_address_limit = 1"),
    inherited("smtp_address_preference = ipv6"),
    inherited("smtp_bind_address6 = ::1", "smtp_bind_address_enforce = yes"),
    inherited("smtp_helo_timeout = 1s", "smtp_starttls_timeout = 100s"),
    inherited("smtp_pix_workarounds = disable_esmtp", "smtp_pix_workaround_threshold_time = 0s"),
    inherited("smtp_always_send_ehlo = no", "smtp_never_send_ehlo = yes"),
    inherited("smtp_cname_overrides_servername = yes"),
    inherited("lmtp_tls_security_level = none", "smtp_recipient_limit = 1"),
    inherited("default_destination_concurrency_limit = 1", "default_destination_rate_delay = 1s"),
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
    Way(
        "the partner is among our destinations",
        VERIFIED,
        main=(f"mydestination = localhost, {WOODGROVE}", "local_recipient_maps ="),
        counted="sent",
    ),
    Way(
        "an empty sender",
        VERIFIED,
        main=("empty_address_default_transport_maps_lookup_key = <>",),
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
