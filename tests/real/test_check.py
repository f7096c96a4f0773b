"""``domain-secure check`` on real files of Postfix: each fault is found, and a sound setup has none."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scratch_postfix import Scratch, make_scratch

from domain_secure.policy.configuration.reading import load
from domain_secure.postfix.findings.service_facts import facts_of
from domain_secure.postfix.sending_checks.foreign_table_checks import check_foreign_tables

from lab.certificates import CLIENT, DAY, SERVER, Authority, Issued, self_signed
from lab.forgery import with_sha1

pytestmark = pytest.mark.real

BOTH = """\
[receive]
domains = ["woodgrovebank.test"]
[send]
domains = ["woodgrovebank.test", "*.fabrikam.com"]
[trust]
ca_file = "{folder}/ca.pem"
"""
NOW = datetime.now(UTC)
#: Nothing of ours runs in these tests.
NOBODY_ANSWERS = {"daemon-silent", "milter-silent", "policy-silent"}


def configure(scratch: Scratch, text: str = BOTH, extra: str = "") -> None:
    """Write our configuration with the certificates' folder filled in."""
    scratch.configure(text.format(folder=scratch.folder) + extra)


def attach(scratch: Scratch) -> None:
    """Attach, which also generates."""
    assert scratch.run("attach") == 0
    scratch.age()


@pytest.fixture(scope="module")
def attached(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scratch, dict[Path, bytes]]:
    """Return a scratch configuration with which nothing is wrong but that no daemon runs, and its files."""
    scratch = make_scratch(folder := tmp_path_factory.mktemp("sound"))
    authority = Authority.create("Lab CA")
    (folder / "ca.pem").write_bytes(authority.pem())
    (folder / "mail.pem").write_bytes(authority.issue("mail.contoso.test").pem(key=True))
    scratch.set(
        "smtpd_tls_security_level = may",
        f"smtpd_tls_chain_files = {folder}/mail.pem",
        f"smtp_tls_chain_files = {folder}/mail.pem",
        "smtp_tls_security_level = may",
        "delay_warning_time = 4h",
    )
    configure(scratch)
    attach(scratch)
    files = ("postfix/main.cf", "postfix/master.cf", "domain-secure.toml", "ca.pem")
    return scratch, {folder / name: (folder / name).read_bytes() for name in files}


@pytest.fixture
def sound(attached: tuple[Scratch, dict[Path, bytes]]) -> Scratch:
    """Return that configuration as it was at first, whatever a test has done to it."""
    scratch, files = attached
    for path, content in files.items():
        path.write_bytes(content)
    scratch.age()
    assert scratch.run("generate") == 0
    return scratch


def key_pem(issued: Issued) -> bytes:
    """Return the key alone."""
    return issued.pem(key=True).replace(issued.pem(), b"")


def examine(
    scratch: Scratch, capsys: pytest.CaptureFixture[str], *arguments: str, left_out: int = 0
) -> dict[str, Any]:
    """Return the findings of ``check --json``, by word, without those about the daemon that does not run.

    *left_out* things must be named that could not be looked at, besides the servers of a domain that is asked
    about: there are none.
    """
    capsys.readouterr()
    scratch.run("check", *arguments, "--json")
    document = json.loads(capsys.readouterr().out)
    servers = [one for one in document["not_looked_at"] if one["what"].startswith("what the servers of ")]
    assert len(servers) == len(arguments)
    assert len(document["not_looked_at"]) == left_out + len(servers), document["not_looked_at"]
    return {one["word"]: one for one in document["findings"] if one["word"] not in NOBODY_ANSWERS}


def test_sound(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """After attach and generate there is nothing to find."""
    assert examine(sound, capsys) == {}


MARKS_OFF = "regexp:{{/^X-Domain-Secure:/ IGNORE} {/^Authentication-Results:.*x-domain-secure/ REJECT}}"


@pytest.mark.parametrize(
    ("table", "option", "brings"),
    [
        (MARKS_OFF, "", False),
        (f"static:DUNNO, {MARKS_OFF}", "", True),
        ("regexp:{{/^X-Domain-Secure:/ IGNORE}}", "", True),
        (MARKS_OFF, " -o receive_override_options=no_header_body_checks", True),
    ],
)
def test_a_way_in_is_known_by_what_it_does(
    sound: Scratch, capsys: pytest.CaptureFixture[str], table: str, option: str, brings: bool
) -> None:
    """Whoever wrote the table: what counts is what becomes of a mark there."""
    sound.add_service("pickup unix n - y 60 1 pickup -o cleanup_service_name=own" + option)
    sound.add_service(f"own unix n - y - 0 cleanup -o {{ header_checks = {table} }}")
    assert ("marks-brought-in" in examine(sound, capsys)) is brings


def test_nobody_answers(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A daemon that does not run is an error, on each of its sockets."""
    capsys.readouterr()
    assert sound.run("check") == 1
    printed = capsys.readouterr().out
    for word in NOBODY_ANSWERS:
        assert f"[{word}]" in printed
    assert f"{sound.folder}/queue/domain-secure/milter" in printed


def service(start: str, *options: str) -> Callable[[Scratch], None]:
    """Return a change that adds options to a service."""
    return lambda scratch: scratch.set_service(start, *options)


def main(*settings: str) -> Callable[[Scratch], None]:
    """Return a change of main.cf."""
    return lambda scratch: scratch.set(*settings)


def behind_postscreen(scratch: Scratch) -> None:
    """Let postscreen(8) take strangers on a port of its own, as one does behind a proxy."""
    scratch.add_service("2525 inet n - y - 1 postscreen")
    scratch.add_service("smtpd pass - - y - - smtpd")
    scratch.add_service("tlsproxy unix - - y - 0 tlsproxy")


SMTPD, TRANSPORT = "smtp      inet", "domain-secure unix"
PROXIED = " -o smtpd_upstream_proxy_protocol=haproxy"
GATEWAY = "regexp:{{/@woodgrovebank\\.test$$/ smtp:[gateway]}}"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (service(SMTPD, "smtpd_tls_ask_ccert = no"), "client-certificate-not-asked"),
        (
            service(SMTPD, "smtpd_tls_ask_ccert = no", "smtpd_tls_req_ccert = yes"),
            "client-certificate-not-asked",
        ),
        (
            service(SMTPD, "smtpd_tls_req_ccert = yes", "smtpd_tls_security_level = encrypt"),
            "client-certificate-required",
        ),
        (service(SMTPD, "smtpd_forbid_bare_newline = no"), "bare-newline"),
        (service(SMTPD, "smtpd_forbid_bare_newline = NO"), "bare-newline"),
        (service(SMTPD, "smtpd_forbid_bare_newline_exclusions = 0.0.0.0/1"), "bare-newline"),
        (main("mynetworks = 127.0.0.0/8 [2000::]/3"), "bare-newline"),
        (main("cleanup_replace_stray_cr_lf = no"), "stray-carriage-return"),
        (main("milter_header_checks = regexp:{{/^x-domain-secure:/ IGNORE}}"), "mark-taken-away"),
        (
            main("milter_header_checks = regexp:{{/^Authentication-Results:/ replace X: y}}"),
            "mark-taken-away",
        ),
        (main("smtp_header_checks = static:IGNORE"), "mark-taken-away"),
        (lambda scratch: scratch.add_service("pickup unix n - y 60 1 pickup"), "marks-brought-in"),
        (lambda scratch: scratch.add_service("submission inet n - y - - smtpd"), "marks-brought-in"),
        (lambda scratch: scratch.add_service("127.0.0.1:10025 inet n - y - - smtpd"), "marks-brought-in"),
        (lambda scratch: scratch.add_service("628 inet n - y - - qmqpd"), "marks-brought-in"),
        (service(SMTPD, "smtpd_milters ="), "inbound-not-attached"),
        (main("smtpd_tls_security_level ="), "no-starttls"),
        (main("smtpd_tls_chain_files ="), "no-server-certificate"),
        (service(SMTPD, "smtpd_tls_fingerprint_digest = md5"), "fingerprint-digest"),
        (service(SMTPD, "receive_override_options = no_milters"), "milters-switched-off"),
        (service(SMTPD, "smtpd_milter_maps = inline:{127.0.0.1=DISABLE}"), "milters-by-client"),
        (service(SMTPD, "smtpd_proxy_filter = 127.0.0.1:25"), "proxy-filter"),
        (service(SMTPD, "smtpd_authorized_xclient_hosts = 127.0.0.1"), "xclient"),
        (main("milter_macro_defaults = {cert_subject}=woodgrovebank.test"), "faked-macros"),
        (
            service(SMTPD, "smtpd_milters = { unix:domain-secure/milter, default_action=accept }"),
            "milter-fails-open",
        ),
        (service(SMTPD, "smtpd_data_restrictions ="), "policy-service-missing"),
        (
            service(
                SMTPD,
                "smtpd_data_restrictions = permit_mynetworks, check_policy_service unix:domain-secure/policy",
            ),
            "policy-service-hidden",
        ),
        (main("smtpd_milters = inet:127.0.0.1:8891"), "attach-outdated"),
        (lambda scratch: scratch.add_service("[127.0.0.2]:25 inet n - y - - smtpd"), "service-not-attached"),
        (lambda scratch: scratch.add_service(f"2525 inet n - y - - smtpd{PROXIED}"), "service-not-attached"),
        (behind_postscreen, "service-not-attached"),
        (service(TRANSPORT, "smtp_fallback_relay = [relay.test]"), "fallback-relay"),
        (service("domain-secure-tls unix", "smtp_tls_session_cache_database = btree:/x"), "session-cache"),
        (service(TRANSPORT, "smtp_tls_security_level = may"), "no-security-floor"),
        (service(TRANSPORT, "smtp_tls_CAfile ="), "no-ca"),
        (service(TRANSPORT, "smtp_tls_CAfile = /nonexistent"), "ca-file-missing"),
        (main("smtp_tls_chain_files ="), "no-client-certificate"),
        (main("smtp_tls_chain_files = /nonexistent"), "client-certificate-unreadable"),
        (lambda scratch: (scratch.folder / "ca.pem").write_text(""), "ca-file-empty"),
        (lambda scratch: (scratch.folder / "ca.pem").unlink(), "configuration"),
        (lambda scratch: scratch.compiled("tls_policy").unlink(), "table-out-of-date"),
        (lambda scratch: configure(scratch, BOTH.replace("woodgrovebank", "woodgrove")), "table-out-of-date"),
        (main("smtp_tls_policy_maps ="), "outbound-not-attached"),
        (main("transport_maps ="), "outbound-not-attached"),
        (main("transport_maps = inline:{fabrikam.com=smtp:[gateway]}"), "outbound-not-attached"),
        (main("default_database_type = lmdb"), "other-table-type"),
        (main("mydestination = woodgrovebank.test", "transport_maps ="), "not-sent-by-smtp"),
        (main("relayhost = [relay.contoso.test]", "transport_maps ="), "policy-defeated"),
        (
            main("sender_dependent_relayhost_maps = inline:{a@b.test=[c]}", "transport_maps ="),
            "route-by-sender",
        ),
        (main("transport_maps ="), "other-transport"),
        (service(TRANSPORT, "smtp_tls_loglevel = 0"), "tls-not-logged"),
        (main("smtp_tls_per_site = inline:{a.test=NONE}"), "per-site-tables"),
        (service(TRANSPORT, "smtp_tls_CAfile =", "smtp_tls_CApath = /nonexistent"), "ca-folder-empty"),
        (
            service(SMTPD, "smtpd_milters = { unix:domain-secure/milter, default_action=retry }"),
            "milter-action-unknown",
        ),
        (
            lambda scratch: scratch.add_service(
                "127.0.0.1:10025 inet n - y - - smtpd -o smtpd_milters=unix:domain-secure/milter"
            ),
            "reinjection-attached",
        ),
    ],
)
def test_found(
    sound: Scratch, capsys: pytest.CaptureFixture[str], change: Callable[[Scratch], None], word: str
) -> None:
    """Each fault is found by its word, with the value that proves it and with a fix."""
    change(sound)
    found = examine(sound, capsys)
    assert word in found
    assert all(found[word][key] for key in ("severity", "what", "proof", "fix"))


def test_a_proxy_in_front_of_users_alone_is_no_finding(
    sound: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody writes from outside by a submission service, also where a proxy passes its users on."""
    users = "-o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
    sound.add_service(f"10587 inet n - y - - smtpd{PROXIED} {users}")
    assert "service-not-attached" not in examine(sound, capsys)


def test_a_milter_in_front_of_ours(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """It sees what nobody has judged yet."""
    sound.set_service(SMTPD, "smtpd_milters = inet:127.0.0.1:11332, unix:domain-secure/milter")
    found = examine(sound, capsys, left_out=1)
    assert "inet:127.0.0.1:11332" in found["earlier-milter"]["proof"]
    assert "later-milter" not in found


def test_a_proxy_is_named_where_postscreen_alone_knows_it(
    sound: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The setting may stand at the service of postscreen(8) in master.cf."""
    behind_postscreen(sound)
    sound.set_service("2525 inet", "postscreen_upstream_proxy_protocol = haproxy")
    assert "upstream-proxy" in examine(sound, capsys)


@pytest.mark.parametrize(
    ("change", "word", "proof"),
    [
        (main("content_filter = smtp:[127.0.0.1]:25"), "content-filter", "smtp:[127.0.0.1]:25"),
        (service(SMTPD, "content_filter = scan:x"), "content-filter", "smtp/inet: content_filter = scan:x"),
        (main("soft_bounce = yes"), "soft-bounce", "soft_bounce = yes"),
        (main("smtp_tls_security_level = none"), "other-mail-unencrypted", "= none"),
        (main("delay_warning_time = 0h"), "senders-not-told", "delay_warning_time = 0h"),
        (main("defer_transports = domain-secure"), "transport-deferred", "domain-secure"),
        (main("multi_instance_directories = /etc/postfix-out"), "other-instances", "/etc/postfix-out"),
        (service(SMTPD, "smtpd_upstream_proxy_protocol = haproxy"), "upstream-proxy", "haproxy"),
        (main("tls_server_sni_maps = hash:/x"), "certificate-by-name", "hash:/x"),
    ],
)
def test_the_rest_of_postfix(
    sound: Scratch,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Scratch], None],
    word: str,
    proof: str,
) -> None:
    """What is set elsewhere is named, with the value found, and nothing else is."""
    change(sound)
    found = examine(sound, capsys)
    assert found.keys() == {word}
    assert proof in found[word]["proof"]


def test_a_filter_that_is_no_service_of_this_postfix(
    sound: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it does with mail is not known, which is said."""
    sound.set("content_filter = smtp:[127.0.0.1]:10024")
    found = examine(sound, capsys, left_out=1)
    assert found.keys() == {"not-looked-at"}
    assert "[127.0.0.1]:10024" in found["not-looked-at"]["what"]


def test_an_entry_for_one_recipient(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A recipient's or a host's own route in front of ours is named; those behind are no matter."""
    ours = sound.instance.parameter("transport_maps")
    table = sound.folder / "users"
    table.write_text(
        "ann@woodgrovebank.test smtp:[gateway]\nbob@woodgrovebank.test domain-secure:\n"
        "ann@unlisted.test smtp:[gateway]\n@x.fabrikam.com smtp:[gateway]\nnot-an-address smtp:\n"
        "eve@woodgrovebank.test domain-secure:[gateway]\nsales.fabrikam.com smtp:[sales]\n"
    )
    sound.set(f"transport_maps = {ours}, texthash:{table}")
    assert examine(sound, capsys) == {}
    sound.set(f"transport_maps = texthash:{table}, {ours}")
    finding = examine(sound, capsys)["route-by-recipient"]
    assert "ann@woodgrovebank.test = smtp:[gateway]" in finding["proof"]
    assert "and 2 more" not in finding["proof"]
    assert "and 1 more" in finding["proof"]
    assert "bob" not in finding["proof"]
    assert "unlisted" not in finding["proof"]
    for host, other in (("x", "sales"), ("sales", "x")):
        proof = examine(sound, capsys, f"{host}.fabrikam.com")["route-by-recipient"]["proof"]
        assert f"{host}.fabrikam.com = " in proof
        assert f"{other}.fabrikam.com = " not in proof


@pytest.mark.parametrize("table", ["regexp:{{/^boss@/ smtp:[x]}}", "static:dunno:", "cidr:{{1.1.1.1 x:}}"])
def test_a_table_that_nobody_can_list(sound: Scratch, capsys: pytest.CaptureFixture[str], table: str) -> None:
    """In front of our patterns it is named as not looked at; behind them nothing in it counts."""
    ours = sound.instance.parameter("transport_maps")
    sound.set(f"transport_maps = {ours}, {table}")
    assert examine(sound, capsys) == {}
    sound.set(f"transport_maps = {table}, {ours}")
    finding = examine(sound, capsys, left_out=1)["not-looked-at"]
    assert f"transport_maps has {table}" in finding["proof"]


def test_a_domain_of_our_own_below_a_wildcard(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """What this Postfix delivers itself and the send list sends out is an error, in any list."""
    table = sound.folder / "local"
    table.write_text("other.test x\nLocal.Fabrikam.com x\n")
    for setting in (
        "mydestination = contoso.test, local.fabrikam.com",
        "virtual_mailbox_domains = local.fabrikam.com",
        f"virtual_mailbox_domains = proxy:texthash:{table}",
        f"virtual_alias_maps = {sound.instance.parameter('virtual_alias_maps')}, texthash:{table}",
        "mydestination = WoodgroveBank.test",
    ):
        main_cf = (sound.folder / "postfix" / "main.cf").read_bytes()
        sound.set(setting)
        finding = examine(sound, capsys)["own-domain-listed"]
        assert finding["severity"] == "error"
        assert "local.fabrikam.com" in finding["what"] or "woodgrovebank.test" in finding["what"]
        (sound.folder / "postfix" / "main.cf").write_bytes(main_cf)
        sound.age()
    sound.set("mydestination = contoso.test, regexp:{{/^own\\.test$$/ x}}")
    assert "mydestination has regexp" in examine(sound, capsys, left_out=1)["not-looked-at"]["proof"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (service("cleanup   unix", "virtual_alias_maps ="), True),
        (service(SMTPD, "receive_override_options = no_address_mappings"), True),
        (
            service(
                SMTPD,
                "receive_override_options = no_address_mappings",
                "content_filter = smtp:[127.0.0.1]:25",
            ),
            False,
        ),
        (
            lambda scratch: (
                scratch.set("smtputf8_enable = no"),
                scratch.set_service("cleanup   unix", "virtual_alias_maps ="),
            ),
            False,
        ),
    ],
)
def test_where_other_spellings_pass(
    sound: Scratch, capsys: pytest.CaptureFixture[str], change: Callable[[Scratch], None], found: bool
) -> None:
    """A way in past our rules of spelling is an error, unless mail comes in again or is in ASCII."""
    change(sound)
    assert ("spelling-not-recognised" in examine(sound, capsys)) == found


@pytest.mark.parametrize("named", ["proxy:texthash:{table}", "{table}"])
def test_a_table_under_another_name(sound: Scratch, named: str) -> None:
    """A table behind proxymap, which does not list entries, or without its type is no fault in itself."""
    table = sound.folder / "plain"
    table.write_text("a.test smtp:\n")
    sound.instance.compile_map(sound.map_type, table)
    sound.set(f"transport_maps = {named.format(table=table)}")
    facts = facts_of(sound.instance)
    assert not list(check_foreign_tables(load(sound.configuration), sound.instance, facts, None))


def test_a_table_that_was_not_compiled(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A source that is newer than its index is named with the command that mends it."""
    ours = sound.instance.parameter("transport_maps")
    table = sound.folder / "own"
    table.write_text("a.test smtp:\n")
    sound.instance.compile_map(sound.map_type, table)
    os.utime(table, (2**31, 2**31))
    sound.set(f"transport_maps = {ours}, {sound.map_type}:{table}")
    found = examine(sound, capsys)
    assert found.keys() == {"table-stale"}
    assert found["table-stale"]["fix"] == f"run postmap {sound.map_type}:{table}"


def test_another_default_type(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """After an upgrade the default is another: what Postfix reads is kept up to date until --fix moves it."""
    former, other = sound.map_type, "lmdb" if sound.map_type != "lmdb" else "cdb"
    sound.set(f"default_database_type = {other}")
    configure(sound, BOTH.replace("woodgrovebank", "woodgrove"))
    assert sound.run("generate") == 0
    table = f"{sound.maps}/tls_policy"
    assert sound.instance.query(f"{former}:{table}", ["woodgrove.test"])
    found = examine(sound, capsys)
    assert found.keys() == {"other-table-type", "attach-outdated"}
    assert found["other-table-type"]["severity"] == "warning"
    sound.run("check", "--fix", "--yes")
    sound.age()
    assert sound.instance.parameter("smtp_tls_policy_maps").startswith(f"{other}:{table}")
    assert sound.instance.query(f"{other}:{table}", ["woodgrove.test"])
    assert examine(sound, capsys).keys() == set()


def test_a_type_that_went_away(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """What main.cf names and Postfix has not any more is an error, which --fix mends."""
    for name in ("main.cf", "master.cf"):
        path = sound.folder / "postfix" / name
        path.write_text(path.read_text().replace(f"{sound.map_type}:{sound.maps}", f"dbm:{sound.maps}"))
    sound.age()
    found = examine(sound, capsys)
    assert found["other-table-type"]["severity"] == "error"
    sound.run("check", "--fix", "--yes")
    sound.age()
    assert examine(sound, capsys).keys() == set()


def test_a_table_type_that_is_missing(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A type this Postfix has not is named as such, with what offers it."""
    ours = sound.instance.parameter("transport_maps")
    sound.set(f"transport_maps = {ours}, mongodb:/x")
    found = examine(sound, capsys)
    assert "mongodb:/x" in found["table-type-missing"]["proof"]
    assert "postfix-mongodb" in found["table-type-missing"]["fix"]


MAIL = "mail.contoso.test"


@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ca: ca.issue(MAIL), set()),
        (lambda ca: ca.authority("Sub").issue(MAIL), set()),
        (lambda ca: ca.issue(MAIL, not_after=NOW - DAY, not_before=NOW - 2 * DAY), {"expired"}),
        (lambda ca: ca.issue(MAIL, not_before=NOW + DAY), {"not-yet-valid"}),
        (lambda ca: ca.issue("other.test"), {"name"}),
        (lambda _: self_signed(MAIL), {"self-signed"}),
        (lambda ca: replace(ca.authority("Sub").issue(MAIL), chain=()), {"chain"}),
        (lambda ca: replace(one := ca.issue(MAIL), certificate=with_sha1(one, ca)), {"signature"}),
        (
            lambda ca: replace(one := ca.authority("Sub"), certificate=with_sha1(one, ca)).issue(MAIL),
            {"signature"},
        ),
        (lambda ca: ca.issue(MAIL, key="rsa1024"), {"weak-key", "key"}),
        (lambda ca: ca.issue(MAIL, purposes=(SERVER,)), {"purpose of client"}),
        (lambda ca: ca.issue(MAIL, purposes=(CLIENT,)), {"purpose of server"}),
    ],
)
def test_a_certificate_that_was_set_by_hand(
    sound: Scratch,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Authority], Issued],
    words: set[str],
    side: str,
) -> None:
    """What a partner would not accept of a certificate in main.cf is named before the first message."""
    authority = Authority.create("Lab CA")
    with (sound.folder / "ca.pem").open("ab") as stream:
        stream.write(authority.pem())
    own = sound.folder / "own.pem"
    own.write_bytes(make(authority).pem(key=True))
    sound.set(f"{'smtpd' if side == 'server' else 'smtp'}_tls_chain_files = {own}")
    told = {word.removesuffix(f" of {side}") for word in words}
    expected = {f"{side}-certificate-{word}" for word in told if " of " not in word}
    assert examine(sound, capsys).keys() == expected


def test_the_key_of_another_certificate(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A key in a file of its own is found, and one that belongs to another certificate is named."""
    authority = Authority.create("Lab CA")
    with (sound.folder / "ca.pem").open("ab") as stream:
        stream.write(authority.pem())
    one, other = (authority.issue(MAIL) for _ in range(2))
    files = {"one.pem": one.pem(), "one.key": key_pem(one), "other.key": key_pem(other)}
    for name, content in files.items():
        (sound.folder / name).write_bytes(content)
    for key, words in (("one.key", set()), ("other.key", {"client-certificate-key"})):
        sound.set(f"smtp_tls_chain_files = {sound.folder}/{key}, {sound.folder}/one.pem")
        assert examine(sound, capsys).keys() == words
        former = sound.instance.parameter("smtpd_tls_chain_files")
        sound.set(f"smtpd_tls_chain_files = {sound.folder}/{key}, {sound.folder}/one.pem")
        assert examine(sound, capsys).keys() == words | {word.replace("client", "server") for word in words}
        sound.set(f"smtpd_tls_chain_files = {former}")
        sound.set("smtp_tls_chain_files =")
        sound.set(f"smtp_tls_cert_file = {sound.folder}/one.pem", f"smtp_tls_key_file = {sound.folder}/{key}")
        assert examine(sound, capsys).keys() == words


def test_the_lookups_of_one_domain(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked about a domain, check shows what Postfix's tables answer for it."""
    capsys.readouterr()
    sound.run("check", "mail.fabrikam.com", "--json")
    (lookup,) = json.loads(capsys.readouterr().out)["lookups"]
    assert (lookup["transport"], lookup["nexthop"]) == ("domain-secure", "mail.fabrikam.com")
    assert "/recipient_transport has domain-secure-check@mail.fabrikam.com = domain" in lookup["route"]
    assert "/tls_policy has .fabrikam.com = secure" in lookup["policy"]
    sound.run("check", "woodgrovebank.test")
    printed = capsys.readouterr().out
    assert "woodgrovebank.test goes to woodgrovebank.test by domain-secure" in printed
    assert printed.splitlines()[-1] == "3 errors, 1 not looked at"


def test_mended(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """What attach and generate own is mended after it was shown; others' settings stay, and detach works."""
    before = [(sound.folder / "postfix" / name).read_bytes() for name in ("main.cf", "master.cf")]
    sound.set_service(TRANSPORT, "smtp_tls_loglevel = 0", "smtp_fallback_relay = [relay.test]")
    sound.set("soft_bounce = yes")
    sound.compiled("tls_policy").unlink()
    assert examine(sound, capsys).keys() >= {"tls-not-logged", "fallback-relay", "table-out-of-date"}
    assert sound.run("check", "--fix") == 2
    assert "add --yes" in capsys.readouterr().err
    assert "fallback-relay" in examine(sound, capsys)
    sound.run("check", "--fix", "--yes")
    printed = capsys.readouterr().out
    assert "-  -o { smtp_fallback_relay = [relay.test] }" in printed
    sound.age()
    assert examine(sound, capsys).keys() == {"soft-bounce"}
    sound.run("check", "--fix", "--yes")
    assert "nothing that --fix may mend" in capsys.readouterr().err
    assert sound.run("detach") == 0
    after = [(sound.folder / "postfix" / name).read_bytes() for name in ("main.cf", "master.cf")]
    assert b"domain-secure" not in b"".join(after)
    assert b"domain-secure" in b"".join(before)
    assert b"soft_bounce = yes" in after[0]


def test_no_postfix(
    sound: Scratch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Postfix that is said once, and nothing is claimed about it."""
    monkeypatch.setattr("domain_secure.postfix.instance.processes.SYSTEM_PATHS", ())
    monkeypatch.setenv("PATH", str(sound.folder))
    found = examine(sound, capsys)
    assert found.keys() == {"postfix-unreadable"}
    assert found["postfix-unreadable"]["fix"] == "install Postfix"


def test_a_table_asked_before_ours(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Another table in front is found as such, and what it does to a domain as well."""
    ours = sound.instance.parameter("transport_maps")
    sound.set(f"transport_maps = {GATEWAY}, {ours}")
    found = examine(sound, capsys, left_out=1)
    assert found.keys() == {"table-not-first", "policy-defeated", "attach-outdated", "not-looked-at"}
    assert "@woodgrovebank.test = smtp:[gateway]" in found["policy-defeated"]["proof"]
    assert "fabrikam" not in found["policy-defeated"]["what"]


def test_one_domain(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """With a domain, only the way of its own mail is followed."""
    ours = sound.instance.parameter("transport_maps")
    sound.set(f"transport_maps = {GATEWAY}, {ours}")
    assert "policy-defeated" not in examine(sound, capsys, "mail.fabrikam.com", left_out=1)
    assert "policy-defeated" in examine(sound, capsys, "woodgrovebank.test", left_out=1)


def test_a_domain_on_neither_list(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Asking about a domain that is not listed is a typing error, and no finding."""
    assert sound.run("check", "unlisted.test") == 1
    assert "unlisted.test is on no list" in capsys.readouterr().err


def test_a_relayhost_defeats_every_domain_at_once(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A relayhost that ``direct = false`` lets through is one finding that names the domains."""
    configure(sound, extra="[outbound]\ndirect = false\n")
    sound.set("relayhost = [relay.contoso.test]", "transport_maps =")
    sound.run("generate")
    finding = examine(sound, capsys)["policy-defeated"]
    assert (
        "woodgrovebank.test, domain-secure-check.fabrikam.com goes to [relay.contoso.test]" in finding["what"]
    )
    assert "relayhost = [relay.contoso.test]" in finding["proof"]


def test_an_internationalised_domain(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Postfix finds the policy of an internationalised domain in either spelling."""
    configure(sound, BOTH.replace("woodgrovebank.test", "bücher.test"))
    sound.run("generate")
    assert examine(sound, capsys) == {}


def test_a_milter_over_tcp(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """TCP works, and is slow: a warning."""
    configure(sound, extra='[milter]\nsocket = "inet:8891@127.0.0.1"\n')
    attach(sound)
    assert examine(sound, capsys).keys() == {"milter-over-tcp"}


def test_when_down_defer_listed(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told that ``defer-listed`` is taken for ``defer-all``, and nothing else is wrong."""
    configure(sound, extra='[inbound]\nwhen_down = "defer-listed"\n')
    assert examine(sound, capsys).keys() == {"when-down-ignored"}


def test_not_attached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a Postfix that was never attached both halves are named."""
    scratch = make_scratch(tmp_path)
    (tmp_path / "ca.pem").write_bytes(Authority.create("Lab CA").pem())
    configure(scratch)
    found = examine(scratch, capsys)
    assert {"inbound-not-attached", "outbound-not-attached", "table-out-of-date"} <= found.keys()


def test_the_timer_asks_only_where_attach_was(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """After detach ``--if-attached`` looks at nothing; what somebody else took out it looks at."""

    def outcome() -> tuple[int, bool]:
        capsys.readouterr()
        status = sound.run("check", "--if-attached")
        return status, "not attached, so nothing was looked at" in capsys.readouterr().out

    files = [sound.folder / "postfix" / name for name in ("main.cf", "master.cf")]
    assert outcome() == (1, False), "no daemon runs"
    assert sound.run("detach") == 0
    unattached = [path.read_bytes() for path in files]
    assert outcome() == (0, True)
    attach(sound)
    for path, content in zip(files, unattached, strict=True):
        path.write_bytes(content)
    assert outcome() == (1, False), "the record tells, and nothing is in Postfix's files"
    attach(sound)
    (record,) = (sound.state / "attach").glob("*.json")
    record.unlink()
    assert outcome() == (1, False), "Postfix's files tell, and there is no record"
    attach(sound)


def test_nothing_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without any list there is nothing to be wrong, and the exit status says so."""
    scratch = make_scratch(tmp_path)
    configure(scratch, "")
    assert scratch.run("check") == 0
    assert "[nothing-listed]" in capsys.readouterr().out


def test_a_configuration_that_is_wrong(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault in our own file is a finding, and the status says that it is ours to mend."""
    configure(sound, extra="unknown = 1\n")
    assert sound.run("check") == 2
    assert "[configuration]" in capsys.readouterr().out


def test_a_table_that_does_not_answer(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A table Postfix cannot open is named, and the other questions are asked all the same."""
    ours = sound.instance.parameter("transport_maps")
    sound.set(f"transport_maps = {ours}, texthash:/nonexistent/table", "smtpd_tls_chain_files =")
    found = examine(sound, capsys)
    assert "/nonexistent/table" in found["question-failed"]["proof"]
    assert "no-server-certificate" in found


def test_a_milter_behind_ours_is_silent(sound: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it may take the mark away, or give mail to others, is not known, which is said."""
    sound.set("smtpd_milters = inet:127.0.0.1:1")
    attach(sound)
    capsys.readouterr()
    sound.run("check", "--json")
    unseen = json.loads(capsys.readouterr().out)["not_looked_at"]
    assert len(unseen) == 2
    assert all("inet:127.0.0.1:1" in one["what"] for one in unseen)
