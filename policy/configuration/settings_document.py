"""Write the documentation of the settings from their table, so that the two cannot differ."""

from .settings import PARTNER, SETTINGS, Effect, Setting
from .shared_settings import is_shared, may_be_shared

EXAMPLE = """\
[receive]
domains = [
    "woodgrovebank.test",
    "*.fabrikam.test",  # every subdomain
]

[send]
domains = ["woodgrovebank.test"]

[partner."woodgrovebank.test"]
names = ["mail.woodgrovebank.test"]
mode = "observe"  # until they have their certificate
"""

_HEAD = f"""\
# Configuration

One file, `/etc/domain-secure/domain-secure.toml`; `--config FILE` names another and beats the environment's
`DOMAIN_SECURE_CONFIG`. It is [TOML](https://toml.io/en/v1.0.0). An empty file is valid: every key has a
default.

```toml
{EXAMPLE}```

Edit it by hand, or let `domain-secure receive`, `send` and `partner` do it: they keep comments and order, and
they write nothing that the daemon would not read. An unknown key, a wrong value, a public suffix on a list or
a file that cannot be read is an error with file, line and key, and then nothing of the file is applied: a
running daemon goes on with the last good configuration.

The daemon reads the file again when it changes and on SIGHUP. Where a key says *restart*, a change waits for
`systemctl restart domain-secure`.

Domains may be written with A-labels or U-labels, in any case. `*.fabrikam.test` means every subdomain of
`fabrikam.test` and not that domain itself; of several entries the longest match speaks for a domain.

On a node of a fleet (`store.type = "etcd"`, see [fleet.md](fleet.md)) the keys marked *shared* may not stand
in this file: they come from the store, the same for every node. What is marked *may be shared* comes from the
store where this file does not have it.

This is generated from `policy/configuration/settings.py`.
"""
_PARTNER_NOTE = """
One table for each partner that needs a rule of its own, named by its list entry:
`[partner."woodgrovebank.test"]`. A rule of `fabrikam.test` also holds for `*.fabrikam.test` on a list, and a
rule of `*.fabrikam.test` for every listed subdomain that has none.
"""
_SECTION_TITLES = {"": "Above all tables", PARTNER: '[partner."DOMAIN"]'}


def settings_document() -> str:
    """Return ``docs/configuration.md``."""
    parts = [_HEAD]
    section = None
    for setting in SETTINGS:
        if setting.section != section:
            section = setting.section
            parts.append(f"\n## {_SECTION_TITLES.get(section, f'[{section}]')}\n")
            if section == PARTNER:
                parts.append(_PARTNER_NOTE)
        parts.append(_entry(setting))
    return "".join(parts)


def _entry(setting: Setting) -> str:
    default = setting.otherwise if setting.default is None else f"`{setting.default}`"
    restart = " · restart" if setting.effect is Effect.RESTART else ""
    keys = (setting.section, setting.key) if setting.section else (setting.key,)
    shared = " · shared" if is_shared(keys) else " · may be shared" if may_be_shared(keys) else ""
    return (
        f"\n### `{setting.key}`\n\n{setting.sentence}\n\n"
        f"Write {setting.kind.allowed}. Default: {default}{restart}{shared}\n"
    )
