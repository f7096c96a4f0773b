"""The table of settings, and the documentation made from it."""

import tomllib
from pathlib import Path

import pytest

from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.configuration.setting_kinds import HELP_URL
from domain_secure.policy.configuration.settings import SECTIONS, SETTINGS, Setting
from domain_secure.policy.configuration.settings_document import EXAMPLE, settings_document

DOCUMENT = Path(__file__).parents[4] / "docs" / "configuration.md"
# Keys of DESIGN section 5 and those added to it, section by section.
KNOWN = {
    "": {"mode"},
    "receive": {"domains", "domains_file", "hold_back", "on_failure"},
    "send": {"domains", "domains_file", "hold_back"},
    "partner": {
        "names",
        "methods",
        "require",
        "send_method",
        "mode",
        "pins",
        "timed_pins",
        "agreement_key",
        "agreement_issued",
        "agreement_until",
        "minimum_tls",
        "mx",
    }
    | {"via", "servername", "send_ca_file", "receive_names", "send_names"},
    "trust": {"ca_file", "client_purpose", "revocation", "crl_files", "fetch_private", "common_name"}
    | {"revocation_refresh", "distrusted", "expiry_warning"},
    "inbound": {
        "trusted_relays",
        "exempt_clients",
        "probe",
        "probe_timeout",
        "when_down",
        "authserv_id",
        "trusted_relay_certificates",
        "trusted_services",
        "help_url",
    },
    "outbound": {"direct", "tables", "give_up"},
    "reflector": {"address", "per_author", "per_domain", "per_client", "per_day"},
    "selfproof": {"enabled", "interval"},
    "postfix": {"config_directory", "log"},
    "metrics": {"listen", "cert_file", "key_file", "token_file", "host_names", "allow_changes"},
    "paths": {"state"},
    "log": {"receive", "send", "services"},
    "history": {"days", "summary_days", "megabytes"},
    "milter": {"socket", "workers"},
    "policy_service": {"socket"},
    "store": {
        "type",
        "endpoints",
        "prefix",
        "node",
        "ca_file",
        "cert_file",
        "key_file",
        "username",
        "password_file",
        "require_signature",
        "trusted_keys",
        "signing_key_file",
    },
}


def test_document_is_what_the_table_says() -> None:
    """docs/configuration.md is byte for byte what the table of settings yields."""
    assert DOCUMENT.read_text(encoding="utf-8") == settings_document(), (
        "write settings_document() to docs/configuration.md again"
    )


def test_example_of_the_document_is_valid() -> None:
    """The example in the documentation is a configuration that is accepted."""
    assert list(parse(EXAMPLE.encode(), Path("example.toml")).send) == ["woodgrovebank.test"]


def test_table_has_every_key() -> None:
    """Every key is in the table once, under its section."""
    assert {
        section: {s.key for s in SETTINGS if s.section == section} for section in ("", *SECTIONS)
    } == KNOWN
    assert len(SETTINGS) == sum(map(len, KNOWN.values()))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting.section}.{setting.key}")
def test_every_row_is_complete(setting: Setting) -> None:
    """A row has one sentence, a kind in words, and a default that its own parser takes, or words instead."""
    assert setting.sentence.endswith(".")
    assert setting.kind.allowed
    if setting.default is None:
        assert setting.otherwise
    else:
        assert tomllib.loads(f"value = {setting.default}")
        setting.default_value()


@pytest.mark.parametrize(
    "url",
    [
        "https://www.contoso.test/refused",
        "http://contoso.test",
        "https://contoso.test:8443/?page=refused%20mail",
        "https://[2001:db8::1]/refused",
        "https://192.0.2.1/refused",
        f"https://a.test/{'x' * 135}",
    ],
)
def test_pages_for_the_refused(url: str) -> None:
    """What a partner's administrator can open, and a line of SMTP has room for."""
    assert HELP_URL.parse(url) == url
