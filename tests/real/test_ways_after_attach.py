"""Somebody changes an attached Postfix: mail to a listed domain is verified or waits, or `check` says it before."""

from collections.abc import Iterator

import pytest

from lab.laboratory import ADDRESSES, EVIL, WOODGROVE, Lab
from lab.ways_out import BOSS, INTERNATIONAL, LEAVES, RELAY, Crossroads, Way, Went

pytestmark = pytest.mark.real

VERIFIED, HELD, CLEAR, ELSEWHERE = Went.VERIFIED, Went.HELD, Went.CLEAR, Went.ELSEWHERE
BRANCH = f"admin@sales.{WOODGROVE}"
#: A filter is asked before any table, by Postfix's design; what it does with a message is not Postfix's to say.
FILTERED = "a filter is chosen before any transport table is asked"
REMOVED = "whoever takes our own lines away takes the prevention with them"
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
    Way("everybody, static, behind ours", VERIFIED, main=behind(f"static:{RELAY}"), counted="sent"),
    Way(
        "everybody, by pattern, behind ours",
        VERIFIED,
        main=behind("regexp:{folder}/all"),
        files={"all": f"/.*/ {RELAY}\n"},
        counted="sent",
    ),
    Way(
        "everybody at random behind ours",
        VERIFIED,
        main=behind(f"randmap:{{{{ {RELAY}, {RELAY} }}}}"),
        counted="sent",
    ),
    Way(
        "the partner's addresses by pattern behind ours",
        VERIFIED,
        main=behind("regexp:{folder}/partner"),
        files={"partner": f"/@woodgrovebank\\.test$/ {RELAY}\n"},
        counted="sent",
    ),
    *(
        Way(
            f"one recipient in {kind} behind ours",
            VERIFIED,
            main=behind(table),
            files={"boss": text},
            recipient=BOSS,
            counted="sent",
        )
        for kind, table, text in (
            ("inline", f"inline:{{{{ {BOSS} = {RELAY} }}}}", ""),
            ("texthash", "texthash:{folder}/boss", f"{BOSS} {RELAY}\n"),
            ("regexp", "regexp:{folder}/boss", f"/^boss@woodgrove/ {RELAY}\n"),
            ("unionmap", f"unionmap:{{{{ inline:{{{{ {BOSS} = {RELAY} }}}} }}}}", ""),
            ("pipemap", f"pipemap:{{{{inline:{{{{{BOSS}=x}}}}}},{{inline:{{{{x={RELAY}}}}}}}}}", ""),
        )
    ),
    Way(
        "one recipient by our transport to another host",
        VERIFIED,
        main=behind(f"inline:{{{{ {BOSS} = domain-secure:[{ADDRESSES[EVIL]}] }}}}"),
        recipient=BOSS,
        counted="sent",
    ),
    Way(
        "another table in front of ours",
        ELSEWHERE,
        main=(f"transport_maps = inline:{{{{ {WOODGROVE} = {RELAY} }}}}, {{transport_maps}}",),
        named=frozenset({"policy-defeated"}),
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
        "a branch of a wildcard in a later table",
        VERIFIED,
        main=behind(f"inline:{{{{ sales.{WOODGROVE} = {RELAY} }}}}"),
        recipient=BRANCH,
        counted="sent",
    ),
    Way(
        "the branches of a branch in a later table",
        VERIFIED,
        main=behind(f"inline:{{{{ .sales.{WOODGROVE} = {RELAY} }}}}"),
        recipient=f"admin@x.sales.{WOODGROVE}",
        counted="sent",
    ),
    Way(
        "a branch that is local here",
        VERIFIED,
        main=(f"mydestination = localhost, local.{WOODGROVE}", "local_recipient_maps ="),
        recipient=f"admin@local.{WOODGROVE}",
        counted="sent",
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

SPELLINGS = (
    Way("capitals", VERIFIED, recipient="Admin@WoodgroveBank.TEST", counted="sent"),
    Way("a dot behind the domain", VERIFIED, recipient=f"admin@{WOODGROVE}.", counted="sent"),
    Way(
        "an internationalised domain in A-labels",
        VERIFIED,
        recipient="admin@xn--bcher-kva.test",
        counted="sent",
    ),
    Way("an internationalised domain", VERIFIED, recipient=f"admin@{INTERNATIONAL}", counted="sent"),
    Way("a quoted local part with an at sign", VERIFIED, recipient=f'"a@{EVIL}"@{WOODGROVE}', counted="sent"),
    Way("an extension", VERIFIED, recipient=f"admin+x@{WOODGROVE}", counted="sent"),
)
OTHER_SPELLINGS = tuple(
    (name, recipient)
    for name, recipient in (
        ("full width", "admin@ｗoodgrovebank.test"),
        ("an ideographic full stop", "admin@woodgrovebank。test"),
        ("a decomposed letter", "admin@bu\u0308cher.test"),
        ("a soft hyphen", "admin@woodgrove\u00adbank.test"),
        ("a capital with a diaeresis", "admin@BÜCHER.test"),
        ("a long s", "admin@woodgrovebank.te\u017ft"),
    )
)

FILTERS = (
    *(
        Way(
            f"FILTER in {parameter}",
            ELSEWHERE,
            main=(f"{parameter} = regexp:{{folder}}/filter",),
            files={"filter": f"/{pattern}/ FILTER {RELAY}\n"},
            named=frozenset({"policy-defeated"}),
            counted="unverified",
            why=FILTERED,
        )
        for parameter, pattern in (("header_checks", "^Subject:"), ("body_checks", "Hello"))
    ),
    Way(
        "FILTER in an access table",
        ELSEWHERE,
        main=(
            f"smtpd_recipient_restrictions = check_recipient_access inline:{{{{ {WOODGROVE} = FILTER {RELAY} }}}}",
        ),
        named=frozenset({"policy-defeated"}),
        counted="unverified",
        why=FILTERED,
    ),
    Way(
        "FILTER by sender",
        ELSEWHERE,
        main=(f"smtpd_sender_restrictions = check_sender_access static:{{{{FILTER {RELAY}}}}}",),
        named=frozenset({"policy-defeated"}),
        counted="unverified",
        why=FILTERED,
    ),
    Way(
        "a content filter on another host",
        ELSEWHERE,
        main=(f"content_filter = {RELAY}",),
        named=frozenset({"policy-defeated"}),
        counted="unverified",
        why=FILTERED,
    ),
    Way(
        "a content filter for pickup alone",
        ELSEWHERE,
        services=(("pickup/unix", f"content_filter={RELAY}"),),
        by_sendmail=True,
        named=frozenset({"policy-defeated"}),
        counted="unverified",
        why=FILTERED,
    ),
    Way(
        "a content filter that gives mail back",
        VERIFIED,
        main=("content_filter = smtp:[127.0.0.1]:10025",),
        entries=(
            "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o smtpd_milters= -o mynetworks=127.0.0.0/8",
        ),
        counted="sent",
    ),
    *(
        Way(
            f"REDIRECT in {parameter}",
            ELSEWHERE,
            main=(f"{parameter} = regexp:{{folder}}/redirect",),
            files={"redirect": f"/{pattern}/ REDIRECT somebody@{EVIL}\n"},
            named=frozenset({"policy-defeated"}),
            why=FILTERED,
        )
        for parameter, pattern in (("header_checks", "^Subject:"), ("body_checks", "Hello"))
    ),
    *(
        Way(
            f"a copy by {parameter}",
            frozenset({VERIFIED, ELSEWHERE}),
            main=(f"{parameter} = {value}",),
            named=frozenset({"copied-elsewhere"}),
            counted="sent",
            why=COPIED,
        )
        for parameter, value in (
            ("always_bcc", f"archive@{EVIL}"),
            ("recipient_bcc_maps", f"inline:{{{{ {WOODGROVE} = archive@{EVIL} }}}}"),
            ("sender_bcc_maps", f"static:archive@{EVIL}"),
        )
    ),
    *(
        Way(
            f"the recipient is exchanged by {parameter}",
            ELSEWHERE,
            main=(f"{parameter} = inline:{{{{ {BOSS} = somebody@{EVIL} }}}}",),
            recipient=BOSS,
            named=frozenset({"recipient-rewritten"}),
            why="the administrator gives the message to another recipient, before it is routed",
        )
        for parameter in ("virtual_alias_maps", "canonical_maps", "recipient_canonical_maps")
    ),
)

SERVICES = (
    Way(
        "our transport without its floor",
        VERIFIED,
        services=(("domain-secure/unix", "smtp_tls_security_level=may"),),
        named=frozenset({"no-security-floor"}),
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
        ELSEWHERE,
        services=(("domain-secure/unix", f"smtp_fallback_relay=[{ADDRESSES[EVIL]}]"),),
        distrusted=True,
        named=frozenset({"fallback-relay"}),
        counted="unverified",
        why=REMOVED,
    ),
)

ROWS = (
    *ROUTES,
    *SPELLINGS,
    *(
        Way(
            f"{name}, by {'sendmail' if by_sendmail else 'SMTP'}",
            VERIFIED,
            recipient=recipient,
            by_sendmail=by_sendmail,
            counted="sent",
        )
        for name, recipient in OTHER_SPELLINGS
        for by_sendmail in (False, True)
    ),
    *FILTERS,
    *SERVICES,
)


@pytest.fixture(scope="module")
def crossroads(lab: Lab) -> Iterator[Crossroads]:
    """The laboratory with everything that mail could be led astray by."""
    return Crossroads(lab)


@pytest.mark.parametrize("way", ROWS, ids=lambda way: way.name)
def test_way(crossroads: Crossroads, way: Way) -> None:
    """The message went as the row says, what let it out was named before, and it was counted right."""
    seen = crossroads.after_attach(way)
    assert (seen.ways, way.named - seen.errors, seen.counted) == (way.ways, frozenset(), way.counters), (
        seen.log
    )


def test_the_table_is_honest() -> None:
    """Whatever leaves has an error before the fact, and a reason why it is not prevented."""
    for way in ROWS:
        if way.ways & LEAVES:
            assert way.named, way.name
            assert way.why, way.name
