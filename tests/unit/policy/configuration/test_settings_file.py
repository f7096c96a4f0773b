"""The configuration file that a package lays down."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.configuration.settings import SETTINGS
from domain_secure.policy.configuration.settings_file import settings_file
from domain_secure.policy.configuration.shared_policy import SharedPolicy

_PATH = Path("/etc/domain-secure/domain-secure.toml")
_TABLE = r"^(?:#?\[([a-z_]+).*\])?\n((?:(?!#?\[).*\n)+)"
_KEY = re.compile(r"^#([a-z_]+) = ", re.MULTILINE)


def test_nothing_is_set() -> None:
    """As it is laid down, the file means what an empty one means."""
    document = tomllib.loads(settings_file())
    assert not any(document.values())
    assert parse(settings_file().encode(), _PATH) == parse(b"", _PATH)


def test_every_key_stands_there_once() -> None:
    """Each setting has its line, in the table that it belongs to."""
    found = [
        (table, key)
        for table, lines in re.findall(
            r"^(?:#?\[([a-z_]+).*\])?\n((?:(?!#?\[).*\n)+)", settings_file(), re.MULTILINE
        )
        for key in _KEY.findall(lines)
    ]
    assert found == [(setting.section, setting.key) for setting in SETTINGS]


def test_a_key_without_its_comment_sign_is_valid() -> None:
    """Each default may be set as it stands there, and changes nothing; each example has its kind."""
    for setting in SETTINGS:
        value = setting.kind.example if setting.default is None else setting.default
        assert value, f"{setting.section}.{setting.key}: its kind needs an example"
        setting.kind.parse(tomllib.loads(f"value = {value}")["value"])
    before, _, after = settings_file().partition('#[partner."woodgrovebank.test"]')
    partner, _, after = after.partition("\n[")
    text = "\n[".join((before + '[partner."woodgrovebank.test"]' + partner, after))
    for setting in SETTINGS:
        if setting.default is not None:
            text = re.sub(
                rf"^#({setting.key} = {re.escape(setting.default)})$", r"\1", text, flags=re.MULTILINE
            )
    assert sum(setting.default is not None for setting in SETTINGS) <= len(
        re.findall(r"^[a-z_]+ = ", text, re.MULTILINE)
    )
    found = parse(text.encode(), _PATH)
    trust = replace(found.trust, ca_file_is_default=True)
    assert replace(found, partners={}, trust=trust) == parse(b"", _PATH)


def test_explanations_fit_into_a_terminal() -> None:
    """No line of text is longer than the formatter of this tree would have it."""
    assert all(len(line) <= 110 for line in settings_file().splitlines())


def test_a_node_of_a_fleet_may_have_the_empty_tables() -> None:
    """Tables without keys are no settings of a node that would belong into the store."""
    store = 'type = "etcd"\nendpoints = ["https://etcd1.contoso.test:2379"]'
    text = settings_file().replace('#type = "file"', store)
    assert text != settings_file()
    assert _node(text) == _node(f"[store]\n{store}\n")


def _node(text: str) -> Configuration:
    return parse(text.encode(), _PATH, shared=SharedPolicy(b""))
