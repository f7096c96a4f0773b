"""Write the configuration file that a package lays down: every key explained, and none set."""

import textwrap

from .settings import PARTNER, SETTINGS, Effect, Setting

_WIDTH = 100
_HEAD = """\
# The configuration of Postfix Domain Secure; domain-secure.toml(5) has the whole.
#
# Every key stands here with its default, or with an example where it has none. Take the # before a key away
# to set it. `domain-secure receive`, `send` and `partner` edit this file too, and keep what else is in it.
# A running daemon takes over a change at once, or keeps the last good configuration and says what is wrong;
# where it says "restart", `systemctl restart domain-secure` does it.
"""
_PARTNER_HEADER = f'#[{PARTNER}."woodgrovebank.test"]'
_PARTNER_NOTE = "A table like this for each partner that needs a rule of its own, named by its list entry."


def settings_file() -> str:
    """Return a configuration in which every key is a comment; without any # before keys it is valid too."""
    parts = [_HEAD]
    section = ""
    for setting in SETTINGS:
        if setting.section != section:
            section = setting.section
            header = f"{_comment(_PARTNER_NOTE)}{_PARTNER_HEADER}" if section == PARTNER else f"[{section}]"
            parts.append(f"\n{header}\n")
        parts.append(_entry(setting))
    return "".join(parts)


def _entry(setting: Setting) -> str:
    restart = " A change needs a restart." if setting.effect is Effect.RESTART else ""
    otherwise = "" if setting.default is not None else f" Without it: {setting.otherwise}."
    explanation = f"{setting.sentence} Write {setting.kind.allowed}.{otherwise}{restart}"
    value = setting.kind.example if setting.default is None else setting.default
    return f"\n{_comment(explanation)}#{setting.key} = {value}\n"


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)
