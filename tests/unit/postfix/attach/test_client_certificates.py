"""What acts on client certificates sleeps on after attach; postconf(1) and postmap(1) are asked."""

import shutil

import pytest
from attach_place import STOCK_MASTER, Place

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.attachment import MAIN, MASTER, Plan, Request
from domain_secure.postfix.attach.client_certificates import AwakenedError
from domain_secure.postfix.mail_checks.attach_checks import check_attachment

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

LOOKUP = "check_client_access inline:{domain-secure=DUNNO}"
TRUSTS = "smtpd_tls_CAfile = /etc/ssl/cert.pem\n"
RELAY = "smtpd_relay_restrictions"
PATTERN = "check_client_access regexp:{{/x$$/ OK}}"

LISTS = {
    "trusted": (
        f"{RELAY} = permit_mynetworks, permit_tls_all_clientcerts, reject\n",
        RELAY,
        "permit_mynetworks, reject",
    ),
    "listed": ("smtpd_client_restrictions = permit_tls_clientcerts\n", "smtpd_client_restrictions", ""),
    "capitals": (f"{RELAY} = Permit_TLS_All_Clientcerts reject\n", RELAY, "reject"),
    "table": (
        "smtpd_sender_restrictions = check_ccert_access { hash:/x, {search_order=pubkey} }, permit\n",
        "smtpd_sender_restrictions",
        "permit",
    ),
    "only warned of": (
        "smtpd_etrn_restrictions = warn_if_reject check_ccert_access hash:/x, reject\n",
        "smtpd_etrn_restrictions",
        "reject",
    ),
    "class": ("smtpd_restriction_classes = known\nknown = permit_tls_all_clientcerts\n", "known", ""),
    "within another parameter": (
        f"common = permit_mynetworks, permit_tls_clientcerts\n{RELAY} = $common, {PATTERN}, reject\n",
        RELAY,
        f"permit_mynetworks, {PATTERN}, reject",
    ),
    "beside another parameter": (
        f"common = permit_mynetworks\n{RELAY} = $common, permit_tls_clientcerts, reject\n",
        RELAY,
        "$common, reject",
    ),
}


@pytest.mark.parametrize("case", list(LISTS))
def test_a_list_is_kept_without_what_slept_in_it(place: Place, case: str) -> None:
    """The service gets the list without that, by a sign of ours; detach leaves nothing of it, in any case."""
    text, name, rest = LISTS[case]
    place.write(place.stock_main + text.encode())
    before = place.files
    plan = place.attach()
    assert place.override("smtp/inet", name) == (f"{LOOKUP}, {rest}" if rest else LOOKUP)
    assert place.override("submission/inet", name) is None
    assert not place.attach().changes
    assert name in slept(plan)
    assert not list(check_attachment(place.configuration, place.instance))
    place.detach()
    assert place.files == before


def slept(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return what sleeps in the service on port 25."""
    assert plan.inbound is not None
    return dict(plan.inbound.asleep["smtp/inet"].slept)


@pytest.mark.parametrize("case", [case for case in LISTS if case != "within another parameter"])
def test_without_the_record_ours_are_known_by_their_sign(place: Place, case: str) -> None:
    """What was copied from main.cf goes."""
    place.write(place.stock_main + LISTS[case][0].encode())
    before = place.files
    place.attach()
    place.record_path.unlink()
    place.detach()
    assert place.files == before


def test_a_list_that_others_changed_stays_theirs(place: Place) -> None:
    """What was put into our copy is left in the service."""
    place.write(place.stock_main + LISTS["trusted"][0].encode())
    place.attach()
    place.replace(MASTER, b"permit_mynetworks, reject", b"permit_mynetworks, reject_unknown_client, reject")
    place.detach()
    assert place.override("smtp/inet", RELAY) == "permit_mynetworks, reject_unknown_client, reject"


def test_a_list_for_data_is_one_with_the_policy_service(place: Place) -> None:
    """Our question stands first; the rest is without what slept."""
    text = b"smtpd_data_restrictions = permit_tls_clientcerts, reject_unauth_pipelining\n"
    place.write(place.stock_main + text)
    before = place.files
    place.attach()
    value = place.override("smtp/inet", "smtpd_data_restrictions") or ""
    assert value.startswith("check_policy_service { unix:domain-secure/policy, ")
    assert value.endswith(f"{LOOKUP}, reject_unauth_pipelining")
    place.detach()
    assert place.files == before


def test_rewriting_fingerprints_and_macros_sleep_on(place: Place) -> None:
    """Header rewriting, listed fingerprints wherever they are asked for, and what other milters are told."""
    place.write(
        place.stock_main
        + TRUSTS.encode()
        + b"local_header_rewrite_clients = permit_inet_interfaces, permit_tls_all_clientcerts\n"
        b"relay_clientcerts = hash:/x\nsmtpd_milters = inet:localhost:11332\n"
        b"milter_mail_macros = i {cert_issuer} {cert_subject} {client_addr}\n"
    )
    before = place.files
    plan = place.attach()
    assert (
        place.override("smtp/inet", "local_header_rewrite_clients")
        == "check_address_map inline:{domain-secure=DUNNO}, permit_inet_interfaces"
    )
    assert place.override("smtp/inet", "relay_clientcerts") == "inline:{domain-secure=DUNNO}"
    assert place.override("smtp/inet", "milter_mail_macros") == "i {client_addr} {domain_secure}"
    helo = place.override("smtp/inet", "milter_helo_macros") or ""
    assert "cert_" not in helo
    assert "{tls_version}" in helo
    assert plan.inbound is not None
    assert plan.inbound.asleep["smtp/inet"].unseen == ("inet:localhost:11332 (milter)",)
    place.record_path.unlink()
    place.detach()
    assert place.files == before


@pytest.mark.parametrize(
    ("main", "option"),
    [
        (b"smtpd_tls_ask_ccert = yes\n", b""),
        (b"smtpd_tls_req_ccert = yes\nsmtpd_tls_security_level = encrypt\n", b""),
        (b"", b"  -o smtpd_tls_ask_ccert=yes\n"),
    ],
)
def test_what_is_awake_is_not_touched(place: Place, main: bytes, option: bytes) -> None:
    """Where certificates are asked for already, the lists stay as they are, however often attach runs."""
    text = (LISTS["trusted"][0] + "relay_clientcerts = hash:/x\n").encode()
    master = STOCK_MASTER.replace(b"smtpd\n#smtp", b"smtpd\n" + option + b"#smtp")
    place.write(place.stock_main + text + main, master)
    before = place.files
    for _ in range(2):
        assert not slept(place.attach())
        # Somebody else's edit: the record is of no use for this file any more.
        place.write(master=place.files[MASTER] + b"# theirs\n")
    assert place.override("smtp/inet", RELAY) is None
    place.detach()
    assert place.files == {MAIN: before[MAIN], MASTER: master + b"# theirs\n" * 2}


def test_a_service_that_asks_is_told_from_one_that_does_not(place: Place) -> None:
    """With both attached, only the one that did not ask is changed."""
    text = LISTS["trusted"][0]
    asking = b"  -o smtpd_tls_security_level=encrypt\n  -o smtpd_tls_ask_ccert=yes\n"
    master = STOCK_MASTER.replace(b"  -o smtpd_tls_security_level=encrypt\n", asking)
    place.write(place.stock_main + text.encode(), master)
    before = place.files
    place.attach(Request(("smtp/inet", "submission/inet")))
    assert place.override("smtp/inet", RELAY) is not None
    assert place.override("submission/inet", RELAY) is None
    place.detach()
    assert place.files == before


HIDDEN = {
    "a table's right side": "check_client_access texthash:{folder}/access",
    "a pattern's right side": "check_helo_access regexp:{folder}/patterns",
    "a table in the list": "check_sender_access inline:{{a.test=permit_tls_all_clientcerts}}",
    "what is always said": "check_recipient_access static:permit_tls_all_clientcerts",
    "a table of tables": "check_client_access pipemap:{{inline:{{a=b}},texthash:{folder}/access}}",
    "for want of an answer": "check_policy_service {{ unix:x, default_action=permit_tls_all_clientcerts }}",
}


@pytest.mark.parametrize("case", list(HIDDEN))
def test_what_no_option_reaches_is_refused(place: Place, case: str) -> None:
    """The place is named, nothing is changed, and once attached it is an error."""
    (place.folder / "access").write_text("192.0.2.1 OK\na.test permit_tls_all_clientcerts, reject\n")
    (place.folder / "patterns").write_text("# permit\n/a/ Permit_tls_all_clientcerts\n")
    text = f"{RELAY} = permit_mynetworks, {HIDDEN[case].format(folder=place.folder)}, reject\n".encode()
    place.write(place.stock_main + text)
    before = place.files
    with pytest.raises(AwakenedError, match=f"smtp/inet: {RELAY} has ") as raised:
        place.attach()
    assert "permit_tls_all_clientcerts" in str(raised.value).lower()
    assert place.files == before
    place.write(place.stock_main)
    place.attach()
    place.write(place.files[MAIN] + text)
    (finding,) = check_attachment(place.configuration, place.instance)
    assert (finding.severity, finding.word) == ("error", "client-certificate-permits")
    place.write(place.stock_main + text + b"smtpd_tls_ask_ccert = yes\n")
    place.attach()


def test_what_is_added_later_is_an_error_until_attach_has_run_again(place: Place) -> None:
    """It acts on certificates at once, for attach asks for them."""
    place.attach()
    place.write(place.files[MAIN] + LISTS["trusted"][0].encode())
    findings = {one.word: one for one in check_attachment(place.configuration, place.instance)}
    assert findings["client-certificate-permits"].severity == "error"
    assert (
        f"smtp/inet: {RELAY} has permit_tls_all_clientcerts" in findings["client-certificate-permits"].proof
    )
    place.attach()
    assert not list(check_attachment(place.configuration, place.instance))
    place.write(place.files[MAIN] + b"smtpd_tls_ask_ccert = yes\n")
    assert [one.word for one in check_attachment(place.configuration, place.instance)] == ["attach-outdated"]
    place.attach()
    assert not list(check_attachment(place.configuration, place.instance))


def test_what_cannot_be_looked_into_is_named(place: Place) -> None:
    """Policy services are told of every certificate, tables of a server may answer what they like."""
    text = (
        f"{TRUSTS}{RELAY} = permit_mynetworks, check_policy_service inet:127.0.0.1:10023, "
        "check_recipient_access ldap:/x, reject\n"
    )
    place.write(place.stock_main + text.encode())
    plan = place.attach()
    assert plan.inbound is not None
    unseen = plan.inbound.asleep["smtp/inet"].unseen
    assert unseen == ("inet:127.0.0.1:10023 (policy service)", "ldap:/x (access table)")
    (finding,) = check_attachment(place.configuration, place.instance)
    assert finding.word == "not-looked-at"
    assert all(one in finding.proof for one in unseen)


def test_a_refusal_says_what_to_do(place: Place) -> None:
    """It is a problem like any other."""
    place.write(place.stock_main + b"smtpd_policy_service_default_action = permit_tls_all_clientcerts\n")
    with pytest.raises(Problem, match="smtpd_tls_ask_ccert = yes"):
        place.attach()
