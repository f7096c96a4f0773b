"""Reading the configuration: what comes out of a good file, and which line is named for a bad one."""

import os
import time
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import (
    DEFAULT_METHODS,
    Configuration,
    Method,
    Mode,
    OnFailure,
    SendMethod,
    WhenDown,
)
from domain_secure.policy.configuration.reading import load, parse
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.tls import TlsVersion

FILE = Path("/etc/domain-secure/domain-secure.toml")
DIGEST = "ab" * 32


def good(text: str) -> Configuration:
    """Return the configuration that *text* is."""
    return parse(text.encode(), FILE)


def bad(text: str | bytes) -> Problem:
    """Return the Problem that *text* leads to."""
    with pytest.raises(Problem) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), FILE)
    assert caught.value.status is ExitStatus.WRONG_USE
    assert caught.value.fix
    return caught.value


def test_empty_file_gives_every_default() -> None:
    """Nothing has to be written."""
    configuration = good("")
    assert configuration.mode is Mode.ENFORCE
    assert not list(configuration.receive)
    assert configuration.on_failure is OnFailure.REJECT
    assert configuration.trust.ca_file_is_default
    assert configuration.inbound.when_down is WhenDown.DEFER_ALL
    assert configuration.inbound.authserv_id is None
    assert configuration.direct
    assert configuration.metrics_listen == ("127.0.0.1", 9797)
    assert configuration.state == Path("/var/lib/domain-secure")
    assert configuration.files == (FILE,)


def test_every_section_is_read(tmp_path: Path) -> None:
    """Values arrive typed; relative paths start at the configuration's folder."""
    (tmp_path / "ca.pem").write_text("")
    path = tmp_path / "domain-secure.toml"
    path.write_text(f"""
mode = "observe"
[receive]
domains = ["Woodgrovebank.TEST.", "*.fabrikam.test", "bücher.test"]
on_failure = "tag"
[send]
domains = ["woodgrovebank.test"]
[partner."WOODGROVEBANK.test"]
names = ["mail.woodgrovebank.test"]
methods = ["pkix", "postfix"]
send_method = "dane"
mode = "enforce"
pins = ["sha256:{DIGEST}", "spki-sha256:{DIGEST}", "sha256:{DIGEST.upper()}"]
minimum_tls = "TLSv1.3"
mx = ["mx.provider.test"]
[trust]
ca_file = "ca.pem"
revocation = "require"
crl_files = []
[inbound]
trusted_relays = ["192.0.2.0/24"]
exempt_clients = ["127.0.0.1", "2001:db8::/32"]
probe_timeout = 2.5
when_down = "defer-listed"
authserv_id = "mx1.contoso.test"
[outbound]
direct = false
[postfix]
config_directory = "/etc/postfix-in"
log = "journal"
[metrics]
listen = "[::1]:9000"
[milter]
socket = "inet:8891@127.0.0.1"
workers = 1
[policy_service]
socket = "unix:/run/policy"
[store]
type = "file"
""")
    configuration = load(path)
    assert list(configuration.receive) == ["woodgrovebank.test", "*.fabrikam.test", "xn--bcher-kva.test"]
    partner = configuration.partners[Entry("woodgrovebank.test")]
    assert partner.names == (Domain("mail.woodgrovebank.test"),)
    assert partner.methods == (Method.PKIX, Method.POSTFIX)
    assert partner.send_method is SendMethod.DANE
    assert partner.mode is Mode.ENFORCE
    assert partner.pins == {Pin.certificate(DIGEST), Pin.public_key(DIGEST)}
    assert partner.minimum_tls is TlsVersion.TLS_1_3
    assert partner.mx == (Domain("mx.provider.test"),)
    assert configuration.trust.ca_file == tmp_path / "ca.pem"
    assert not configuration.trust.ca_file_is_default
    assert configuration.trust.revocation is Revocation.REQUIRE
    assert configuration.inbound.exempt_clients == (ip_network("127.0.0.1"), ip_network("2001:db8::/32"))
    assert configuration.inbound.probe_timeout == 2.5
    assert not configuration.direct
    assert configuration.metrics_listen == ("::1", 9000)
    assert configuration.milter_socket == "inet:8891@127.0.0.1"
    assert configuration.policy_socket == "unix:/run/policy"
    assert configuration.postfix_log == "journal"


def test_partner_table_takes_defaults_from_its_name_and_the_mode() -> None:
    """A partner table without names and mode has its own domain and the general mode."""
    partner = good('mode = "observe"\n[partner."*.fabrikam.test"]\n').partners[Entry("*.fabrikam.test")]
    assert partner.names == (Domain("fabrikam.test"),)
    assert partner.mode is Mode.OBSERVE
    assert partner.methods == DEFAULT_METHODS


FAULTS = [
    ('mod = "observe"', "1: mod", "write mode"),
    ("receive = 1", "1: receive", "[receive]"),
    ("[receive]\n\ndomainz = []", "3: receive.domainz", "write domains"),
    ('[receive]\ndomains = "a.test"', "2: receive.domains", "a list"),
    ('[receive]\ndomains = [\n"a.test",\n"b c"]', "4: receive.domains[1]", "a domain"),
    ('[receive]\ndomains = ["co.uk"]', "2: receive.domains[0]", "a domain"),
    ('[receive]\ndomains = ["*.test"]', "2: receive.domains[0]", "a domain"),
    ('[receive]\ndomains = ["xn--a"]', "2: receive.domains[0]", "a domain"),
    ('[receive]\ndomains = ["a..ü.test"]', "2: receive.domains[0]", "a domain"),
    ("[receive]\ndomains = [1]", "2: receive.domains[0]", "a domain"),
    ('[receive]\non_failure = "rejct"', "2: receive.on_failure", '"reject", "defer" or "tag"'),
    ('[receive]\nmode = "observe"', "2: receive.mode", "remove it"),
    ('[receive]\ndomains_file = "none"', "2: receive.domains_file", "readable"),
    ("partner = 1", "1: partner", "[partner."),
    ('[partner]\nx = "y"', "2: partner.x", "[partner.x]"),
    ('[partner."test"]', "1: partner.test", "a domain"),
    ('[partner."a.test"]\n[partner."A.test"]', '2: partner."A.test"', "join"),
    ('[partner."a.test"]\nnames = ["uk"]', '2: partner."a.test".names[0]', "a domain"),
    ('[partner."a.test"]\nnames = []', '2: partner."a.test".names', "not empty"),
    ('[partner."a.test"]\nmethods = ["pin", "spf"]', '2: partner."a.test".methods[1]', '"pin"'),
    ('[partner."a.test"]\npins = ["sha256:ab"]', '2: partner."a.test".pins[0]', "64"),
    ('[partner."a.test"]\nminimum_tls = "1.2"', '2: partner."a.test".minimum_tls', "TLSv1.2"),
    ('[trust]\nca_file = "/nowhere/ca.pem"', "2: trust.ca_file", "readable"),
    ('[trust]\ncrl_files = ["/nowhere/x.crl"]', "2: trust.crl_files[0]", "readable"),
    ('[trust]\nfetch_private = "no"', "2: trust.fetch_private", "true or false"),
    ('[trust]\nrevocation_refresh = "1m"', "2: trust.revocation_refresh", "from `5m` on"),
    ("[trust]\nrevocation_refresh = 3600", "2: trust.revocation_refresh", "from `5m` on"),
    ('[inbound]\ntrusted_relays = ["192.0.2.1/24"]', "2: inbound.trusted_relays[0]", "network"),
    ('[inbound]\ntrusted_relays = ["mx.test"]', "2: inbound.trusted_relays[0]", "network"),
    ('[inbound]\nprobe_timeout = "5"', "2: inbound.probe_timeout", "seconds"),
    ("[inbound]\nprobe_timeout = true", "2: inbound.probe_timeout", "seconds"),
    ("[inbound]\nprobe_timeout = nan", "2: inbound.probe_timeout", "seconds"),
    ("[inbound]\nprobe_timeout = 61", "2: inbound.probe_timeout", "seconds"),
    ('[inbound]\nhelp_url = "ftp://a.test/x"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://a.test/x#y"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://a.test/ü"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://a.test/x y"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://u@a.test/"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://a.test/%2"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://a.test:70000/"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://a..test/"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    ('[inbound]\nhelp_url = "https://300.0.2.1/"', "2: inbound.help_url", "in ASCII, up to 150 octets"),
    (
        f'[inbound]\nhelp_url = "https://a.test/{"x" * 136}"',
        "2: inbound.help_url",
        "in ASCII, up to 150 octets",
    ),
    ('[inbound]\nauthserv_id = "a b"', "2: inbound.authserv_id", "spaces"),
    ("[outbound]\ndirect = 1", "2: outbound.direct", "true or false"),
    ('[postfix]\nlog = "mail.log"', "2: postfix.log", "absolute"),
    ('[metrics]\nlisten = "0.0.0.0:9797"', "2: metrics.listen", "loopback"),
    ('[metrics]\nlisten = "[2001:db8::1]:1"\ntoken_file = "t"', "2: metrics.listen", "token_file"),
    ('[metrics]\ncert_file = "c"', "2: metrics.cert_file", "key_file"),
    ('[metrics]\nlisten = "mx1:9797"', "2: metrics.listen", "IP address"),
    ('[metrics]\nlisten = "127.0.0.1:99999"', "2: metrics.listen", "IP address"),
    ('[metrics]\nlisten = "9797"', "2: metrics.listen", "IP address"),
    ("[metrics]\nallow_changes = true", "2: metrics.allow_changes", "set token_file"),
    ('[log]\nservices = ["smtp/inet"]', "2: log.services[0]", "NAME/TYPE=LEVEL"),
    ('[log]\nservices = ["smtp/inet=loud"]', "2: log.services[0]", "NAME/TYPE=LEVEL"),
    ('[log]\nservices = ["smtp=off"]', "2: log.services[0]", "NAME/TYPE"),
    ('[metrics]\nhost_names = ["a b"]', "2: metrics.host_names[0]", "host name"),
    ('[paths]\nstate = "a\\u0000b"', "2: paths.state", "path"),
    ('[log]\nsend = "loud"', "2: log.send", "verbose"),
    ('[milter]\nsocket = "/run/milter"', "2: milter.socket", "unix:/path"),
    (f'[milter]\nsocket = "unix:/{"a" * 107}"', "2: milter.socket", "unix:/path"),
    ('[milter]\nsocket = "inet:0@127.0.0.1"', "2: milter.socket", "inet:"),
    ("[milter]\nworkers = 2", "2: milter.workers", "write 1"),
    ("[milter]\nworkers = true", "2: milter.workers", "write 1"),
    ('[store]\ntype = "etcd"', "1: store.endpoints", "https://HOST:2379"),
    ('[store]\nusername = "edge1"', "2: store.username", "password_file"),
    ("[store]\nrequire_signature = true", "2: store.require_signature", "fleet trust"),
    ('[store]\nendpoints = ["etcd.test"]', "2: store.endpoints[0]", "https://HOST:PORT"),
    ('[store]\nprefix = "x"', "2: store.prefix", "begins and ends with"),
    ('[store]\nnode = "a/b"', "2: store.node", "letters"),
    ('[store]\ntrusted_keys = ["ed25519:x"]', "2: store.trusted_keys[0]", "base64"),
    ("store.type = 1", "1: store.type", '"file"'),
]


@pytest.mark.parametrize(("text", "where", "fix"), FAULTS)
def test_fault_names_line_key_and_remedy(text: str, where: str, fix: str) -> None:
    """Each kind of fault is told with its place and with what may stand there."""
    problem = bad(text)
    assert problem.where == f"{FILE}:{where}"
    assert fix in problem.fix
    assert "\n" not in str(problem)


def test_host_bits_are_explained() -> None:
    """A network with host bits is answered with the network that was probably meant."""
    assert "192.0.2.0/24" in bad('[inbound]\nexempt_clients = ["192.0.2.1/24"]').what


def test_first_of_several_faults_is_told_with_their_number() -> None:
    """The fault that stands first in the file is named, and how many there are."""
    problem = bad('[send]\nx = 1\n[receive]\ndomains = ["uk", "a b"]\n')
    assert problem.where == f"{FILE}:2: send.x"
    assert "3 faults" in problem.what


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"mode = \xff", ":1"),
        (b"x = 1\n\n# caf\xe9", ":3"),
        (b'mode = "enforce"\nreceive', ":2"),
        (b"[receive]\n[receive]", ":2"),
        (b'a = "', ":1"),
        (b"x = " + b"[" * 5000, ""),
        (b"x = " + b"9" * 5000, ""),
    ],
)
def test_text_that_is_no_toml(text: bytes, line: str) -> None:
    """Syntax errors, other encodings and hostile nesting are Problems too, with a line where one is known."""
    assert bad(text).where == f"{FILE}{line}"


def test_domains_file(tmp_path: Path) -> None:
    """The file's entries follow those of the configuration; comments and blank lines mean nothing."""
    path = tmp_path / "domain-secure.toml"
    path.write_text('[receive]\ndomains = ["a.test"]\ndomains_file = "more"\n')
    (tmp_path / "more").write_bytes("\ufeff# list\r\nb.test # Bank\r\n\r\n*.C.test\nbücher.test".encode())
    configuration = load(path)
    assert list(configuration.receive) == ["a.test", "b.test", "*.c.test", "xn--bcher-kva.test"]
    assert configuration.files == (path, tmp_path / "more")


@pytest.mark.parametrize(
    ("content", "line"), [(b"a.test\nco.uk\n", 2), (b"\n\na b.test", 3), (b"a.test\nb\xfc.test", 2)]
)
def test_fault_in_a_domains_file_names_that_file(tmp_path: Path, content: bytes, line: int) -> None:
    """A fault in the list's own file is told with that file and line."""
    path = tmp_path / "domain-secure.toml"
    path.write_text('[send]\ndomains_file = "more"\n')
    (tmp_path / "more").write_bytes(content)
    with pytest.raises(Problem) as caught:
        load(path)
    assert caught.value.where == f"{tmp_path / 'more'}:{line}"


def test_a_long_domains_file_loads_in_seconds(tmp_path: Path) -> None:
    """A list of 100,000 lines is read in a small part of the seconds a million may take."""
    path = tmp_path / "domain-secure.toml"
    path.write_text('[receive]\ndomains_file = "more"\n')
    (tmp_path / "more").write_text("".join(f"d{number}.example.test\n" for number in range(100_000)))
    began = time.process_time()
    assert len(load(path).receive) == 100_000
    assert time.process_time() - began < 3


def test_missing_file_says_how_to_create_it(tmp_path: Path) -> None:
    """Without a configuration the person is told the command that makes one."""
    with pytest.raises(Problem) as caught:
        load(tmp_path / "none.toml")
    assert "receive add" in caught.value.fix


def test_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    """A folder in place of the file, and a file without read permission, are Problems."""
    with pytest.raises(Problem):
        load(tmp_path)
    path = tmp_path / "domain-secure.toml"
    path.touch(mode=0o000)
    if os.geteuid() == 0:
        return
    with pytest.raises(Problem) as caught:
        load(path)
    assert "root" in caught.value.fix


def only_configuration_or_problem(content: bytes) -> None:
    """Read *content* and let nothing but a Problem pass."""
    try:
        configuration = parse(content, FILE)
    except Problem:
        return
    assert isinstance(configuration, Configuration)


@given(st.binary(max_size=200))
def test_random_bytes(content: bytes) -> None:
    """Bytes give a Configuration or a Problem and nothing else."""
    only_configuration_or_problem(content)


KEYS = [
    "mode",
    "domains",
    "domains_file",
    "names",
    "methods",
    "pins",
    "minimum_tls",
    "mx",
    "listen",
    "socket",
    "probe_timeout",
    "trusted_relays",
    "ca_file",
    "x",
    "receive",
    '"a.b".c',
    "trust",
    "partner",
    "direct",
    "workers",
    "type",
    "log",
    "authserv_id",
    "state",
    "crl_files",
    "on_failure",
]
HEADERS = [
    "receive",
    "send",
    'partner."b.test"',
    "partner.x",
    "partner",
    "trust",
    "inbound",
    "metrics",
    "milter",
    "store",
    "log",
    "paths",
    "postfix",
    "outbound",
    "[receive]",
]
SCALARS = f""" "" "co.uk" '*.b.test' 1 0xffffffffffffffffffffffff -1 inf nan true 2020-01-01 "enforce" "pin"
"a.test" "::1" "1::/x" "inet:1@x" "[::1]:1" "ü" "a\\u0000" "unix:/x" "\\U0001F600.test" "xn--ü.test"
0x{"f" * 5000} "/" "." "sha256:" """.split()
VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        inner.map(lambda value: f"{{ mode = {value} }}"),
    ),
    max_leaves=4,
)
LINES = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(KEYS), VALUES), st.sampled_from(HEADERS).map("[{}]".format)
)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_random_settings(text: str) -> None:
    """Keys and values thrown together give a Configuration or a Problem and nothing else."""
    only_configuration_or_problem(text.encode())
