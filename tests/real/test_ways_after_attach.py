"""Somebody changes an attached Postfix: listed mail is verified or waits, or `check` says it before."""

from collections.abc import Iterator

import pytest

from lab.laboratory import ADDRESSES, CERTIFICATES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.ways_out import BOSS, LEAVES, RELAY, Crossroads, Way, Went

pytestmark = pytest.mark.real

VERIFIED, HELD, CLEAR, ELSEWHERE, ASKED = Went.VERIFIED, Went.HELD, Went.CLEAR, Went.ELSEWHERE, Went.ASKED
#: By Postfix's design; what a filter does with a message is not Postfix's to say.
FILTERED = "a filter is chosen before any transport table is asked"
REMOVED = "whoever takes our own lines away takes the prevention with them"
GIVEN = "the administrator gives the message to another recipient, before it is routed"
COPIED = "a copy has a recipient of its own, who is not the partner's"


def behind(table: str) -> tuple[str]:
    """Return the setting that puts a table behind ours."""
    return (f"transport_maps = {{transport_maps}}, {table}",)


ROUTES = (
    Way("nothing changed", VERIFIED, counted="sent"),
    Way("a relay host", VERIFIED, main=(f"relayhost = [{ADDRESSES[EVIL]}]",), counted="sent"),
    Way("a fallback relay", VERIFIED, main=(f"smtp_fallback_relay = [{ADDRESSES[EVIL]}]",), counted="sent"),
    Way(
        "a fallback relay tempts while the partner is not to be believed",
        HELD,
        main=(f"smtp_fallback_relay = [{ADDRESSES[EVIL]}]", f"relayhost = [{ADDRESSES[EVIL]}]"),
        distrusted=True,
        counted="failed",
    ),
    Way(
        "a default transport with a nexthop", VERIFIED, main=(f"default_transport = {RELAY}",), counted="sent"
    ),
    Way(
        "a relay domain with a relay transport",
        VERIFIED,
        main=(f"relay_domains = {WOODGROVE}", f"relay_transport = {RELAY}"),
        counted="sent",
    ),
    Way(
        "a relay host by sender",
        VERIFIED,
        main=(f"sender_dependent_relayhost_maps = static:[{ADDRESSES[EVIL]}]",),
        counted="sent",
    ),
    Way(
        "a default transport by sender",
        VERIFIED,
        main=(f"sender_dependent_default_transport_maps = static:{RELAY}",),
        counted="sent",
    ),
    Way("a star behind ours", VERIFIED, main=behind(f"inline:{{{{ * = {RELAY} }}}}"), counted="sent"),
    Way(
        "the domain once more behind ours",
        VERIFIED,
        main=behind(f"inline:{{{{ {WOODGROVE} = {RELAY} }}}}"),
        counted="sent",
    ),
    Way(
        "everybody at random behind ours",
        VERIFIED,
        main=behind(f"randmap:{{{{ {RELAY}, {RELAY} }}}}"),
        counted="sent",
    ),
    Way(
        "another table in front of ours",
        ELSEWHERE,
        main=(f"transport_maps = inline:{{{{ {BOSS} = {RELAY} }}}}, {{transport_maps}}",),
        recipient=BOSS,
        named=frozenset({"table-not-first", "route-by-recipient"}),
        counted="unverified",
        why=REMOVED,
    ),
    Way(
        "no transport table at all, and a relay host",
        ELSEWHERE,
        main=("transport_maps =", f"relayhost = [{ADDRESSES[EVIL]}]"),
        named=frozenset({"policy-defeated", "outbound-not-attached"}),
        counted="unverified",
        why=REMOVED,
    ),
    Way(
        "a static table alone",
        ELSEWHERE,
        main=(f"transport_maps = static:{RELAY}",),
        named=frozenset({"policy-defeated", "outbound-not-attached"}),
        counted="unverified",
        why=REMOVED,
    ),
    Way(
        "a pattern table alone",
        ELSEWHERE,
        main=("transport_maps = regexp:{folder}/all",),
        files={"all": f"/.*/ {RELAY}\n"},
        named=frozenset({"policy-defeated", "outbound-not-attached"}),
        counted="unverified",
        why=REMOVED,
    ),
    Way(
        "the partner is local here",
        VERIFIED,
        main=(f"mydestination = localhost, {WOODGROVE}", "local_recipient_maps ="),
        counted="sent",
    ),
    Way(
        "the partner is a virtual mailbox domain here",
        VERIFIED,
        main=(f"virtual_mailbox_domains = contoso.test, {WOODGROVE}",),
        counted="sent",
    ),
    Way(
        "our transport is put off",
        HELD,
        main=("defer_transports = domain-secure",),
        named=frozenset({"transport-deferred"}),
    ),
)

# Ways in to cleanup(8), beside those of test_ways_out.py.
SPELLINGS = (
    Way("a path of exclamation marks", VERIFIED, recipient=f"{WOODGROVE}!admin", counted="sent"),
    Way("a comment in the domain", VERIFIED, recipient="admin@woodgrovebank(x).test", counted="sent"),
    Way("a domain in quotes", VERIFIED, recipient=f'admin@"{WOODGROVE}"', counted="sent"),
    Way("a backslash in the domain", VERIFIED, recipient="admin@woodgrove\\bank.test", counted="sent"),
    Way(
        "an address within one of ours",
        VERIFIED,
        main=("mydestination = localhost",),
        recipient=f'"admin@{WOODGROVE}"@localhost',
        counted="sent",
    ),
    Way(
        "a domain that is completed here",
        VERIFIED,
        main=("append_dot_mydomain = yes", "mydomain = test"),
        recipient="admin@woodgrovebank",
        counted="sent",
    ),
    *(
        Way(
            f"{setting} leads to another spelling of the partner",
            VERIFIED,
            main=("mydestination = localhost", "local_recipient_maps =", setting),
            recipient="somebody@localhost",
            counted="sent",
        )
        for setting in (
            "alias_maps = inline:{ {somebody = admin@ｗoodgrovebank.test} }",
            "luser_relay = $user@ｗoodgrovebank.test",
        )
    ),
    Way(
        "spellings are kept from cleanup",
        CLEAR,
        main=("receive_override_options = no_address_mappings",),
        recipient="admin@ｗoodgrovebank.test",
        named=frozenset({"spelling-not-recognised"}),
        counted="unverified",
        why="whoever has no address changed has spellings not changed",
    ),
    Way("an empty sender", VERIFIED, sender="", counted="sent"),
)

FILTERS = (
    Way(
        "FILTER in an access table",
        ELSEWHERE,
        main=(
            (
                "smtpd_recipient_restrictions = "
                f"check_recipient_access inline:{{{{ {WOODGROVE} = FILTER {RELAY} }}}}"
            ),
        ),
        named=frozenset({"filter-elsewhere"}),
        counted="unverified",
        why=FILTERED,
    ),
)

OTHERS = (
    Way(
        "a copy for a domain that is relayed",
        frozenset({VERIFIED, ELSEWHERE}),
        main=(f"relay_domains = {EVIL}", f"always_bcc = archive@{EVIL}"),
        named=frozenset({"copy-elsewhere"}),
        counted="sent",
        why=COPIED,
    ),
    Way(
        "a copy for a domain of ours that is stored elsewhere",
        frozenset({VERIFIED, ELSEWHERE}),
        main=(
            f"virtual_mailbox_domains = {EVIL}",
            f"virtual_transport = {RELAY}",
            f"always_bcc = archive@{EVIL}",
        ),
        named=frozenset({"copy-elsewhere"}),
        counted="sent",
        why=COPIED,
    ),
    Way(
        "a copy for an alias of ours that leads elsewhere",
        frozenset({VERIFIED, ELSEWHERE}),
        main=(
            "mydestination = localhost",
            "always_bcc = archive@localhost",
            f"alias_maps = inline:{{{{ archive = somebody@{EVIL} }}}}",
        ),
        named=frozenset({"copy-elsewhere"}),
        counted="sent",
        why=COPIED,
    ),
    Way(
        "an alias for a partner's address that has an alias",
        ELSEWHERE,
        main=(
            (
                "virtual_alias_maps = {virtual_alias_maps}, inline:{ "
                f"{{{BOSS} = archive@{CONTOSO}}}, {{archive@{CONTOSO} = somebody@{EVIL}}} }}"
            ),
        ),
        recipient=BOSS,
        named=frozenset({"copy-elsewhere"}),
        why=GIVEN,
    ),
    Way(
        "an alias whose domain a pattern puts in",
        Went.RETURNED,  # Nobody has that domain.
        main=("virtual_alias_maps = {virtual_alias_maps}, regexp:{folder}/aliases",),
        files={"aliases": "/^(.*)@(woodgrovebank)\\.test$/ $1@$2.invalid\n"},
        unseen="$1@$2.invalid",
        why=GIVEN,
    ),
    Way(
        "a parent in place of the partner's domain",
        Went.RETURNED,  # Nobody has that domain.
        main=("masquerade_domains = test", "masquerade_classes = envelope_recipient"),
        named=frozenset({"copy-elsewhere"}),
        why=GIVEN,
    ),
    *(
        Way(
            f"a recipient is exchanged as the command comes in, {value}",
            ELSEWHERE,
            main=("smtpd_command_filter = regexp:{folder}/commands",),
            files={"commands": f"{pattern} {value}\n"},
            named=frozenset({"copy-elsewhere"}),
            why=GIVEN,
        )
        for pattern, value in (
            ("/^(RCPT TO:<.*@)woodgrovebank[.]test(>.*)/", "${1}evil.test${2}"),
            ("/^RCPT TO:<admin@woodgrove.*/", f"RCPT TO:<somebody@{EVIL}>"),
        )
    ),
    Way(
        "an address is asked about by a relay",
        frozenset({VERIFIED, ASKED}),
        main=(
            "smtpd_recipient_restrictions = reject_unverified_recipient, permit",
            "address_verify_map =",
            "address_verify_transport_maps =",
            f"address_verify_relayhost = [{ADDRESSES[EVIL]}]",
        ),
        named=frozenset({"address-probe"}),
        counted="sent",
        why="the administrator chose another way for probes, and a probe is no message",
    ),
    Way(
        "an address is asked about on the way of mail",
        VERIFIED,
        main=(
            "smtpd_recipient_restrictions = reject_unverified_recipient, permit",
            "address_verify_map =",
            f"relayhost = [{ADDRESSES[EVIL]}]",
        ),
        counted="sent",
    ),
    Way(
        "a filter on this machine that is not Postfix",
        HELD,
        main=("content_filter = smtp:[127.0.0.1]:10099",),
        unseen="127.0.0.1]:10099",
    ),
    Way(
        "a milter of somebody else",
        VERIFIED,
        main=("non_smtpd_milters = inet:127.0.0.1:9", "milter_default_action = accept"),
        by_sendmail=True,
        unseen="inet:127.0.0.1:9",
        counted="sent",
    ),
)

SERVICES = (
    *(
        Way(
            f"another resolver of routes by {name}",
            ELSEWHERE,
            main=main,
            services=services,
            entries=(f"others unix - - n - - trivial-rewrite -o transport_maps=static:{RELAY}",),
            named=frozenset({"policy-defeated", "outbound-not-attached"}),
            counted="unverified",
            why=REMOVED,
        )
        for name, main, services in (
            ("transport_maps of its own", (), (("rewrite/unix", f"transport_maps=static:{RELAY}"),)),
            ("main.cf", ("rewrite_service_name = others",), ()),
            ("the queue manager", (), (("qmgr/unix", "rewrite_service_name=others"),)),
        )
    ),
    Way(
        "our transport is there twice, and a partner who is not to be believed",
        ELSEWHERE,
        main=(f"smtp_fallback_relay = [{ADDRESSES[EVIL]}]",),
        entries=("domain-secure unix - - n - - smtp",),
        distrusted=True,
        named=frozenset({"fallback-relay"}),
        counted="failed unverified",
        why=REMOVED,
    ),
    Way(
        "our transport is there twice, for another protocol",
        Went.RETURNED,
        entries=("domain-secure unix - - n - - lmtp",),
        named=frozenset({"not-sent-by-smtp"}),
        why=REMOVED,
    ),
    Way(
        "other authorities than ours",
        VERIFIED,  # By whom it should not be.
        services=(("domain-secure/unix", f"smtp_tls_CAfile={CERTIFICATES / WOODGROVE}.pem"),),
        distrusted=True,
        named=frozenset({"inherited-setting"}),
        counted="sent",
        why=REMOVED,
    ),
    Way(
        "no certificate of ours",
        CLEAR,
        main=("smtp_tls_chain_files =",),
        named=frozenset({"no-client-certificate"}),
        counted="sent",
        why="without a certificate only one side can be verified, and whoever sends has to get one",
    ),
    Way(
        "our transport without its floor",
        VERIFIED,
        services=(("domain-secure/unix", "smtp_tls_security_level=may"),),
        counted="sent",
    ),
    Way(
        "our transport without floor and policy, and a partner who is not to be believed",
        CLEAR,
        services=(
            ("domain-secure/unix", "smtp_tls_security_level=may"),
            ("domain-secure/unix", "smtp_tls_policy_maps="),
        ),
        distrusted=True,
        named=frozenset({"policy-not-found"}),
        counted="unverified",
        why=REMOVED,
    ),
    Way(
        "another policy in front of ours, and a partner who is not to be believed",
        CLEAR,
        services=(("domain-secure/unix", "smtp_tls_policy_maps=static:may"),),
        distrusted=True,
        named=frozenset({"policy-overridden"}),
        counted="unverified",
        why=REMOVED,
    ),
    Way(
        "our transport without authorities",
        HELD,
        services=(("domain-secure/unix", "smtp_tls_CAfile="),),
        named=frozenset({"no-ca"}),
        counted="failed",
    ),
    Way(
        "a fallback relay of our transport, and a partner who is not to be believed",
        HELD,
        services=(("domain-secure/unix", f"smtp_fallback_relay=[{ADDRESSES[EVIL]}]"),),
        distrusted=True,
        named=frozenset({"fallback-relay"}),
        counted="failed",
    ),
)

ROWS = (*ROUTES, *SPELLINGS, *FILTERS, *OTHERS, *SERVICES)


@pytest.fixture(scope="module")
def crossroads(lab: Lab) -> Iterator[Crossroads]:
    """The laboratory with everything that mail could be led astray by."""
    return Crossroads(lab)


@pytest.mark.parametrize("way", ROWS, ids=lambda way: way.name)
def test_way(crossroads: Crossroads, way: Way) -> None:
    """The message went as the row says, what let it out was named before, and it was counted right."""
    seen = crossroads.after_attach(way)
    assert way.unseen in seen.not_looked_at
    assert (seen.ways, way.named - seen.errors, seen.counted) == (way.ways, frozenset(), way.counters), (
        seen.log
    )


def test_the_table_is_honest() -> None:
    """Whatever leaves has an error before the fact, and a reason why it is not prevented."""
    for way in ROWS:
        if way.ways & LEAVES:
            assert way.named or way.unseen, way.name
            assert way.why, way.name
