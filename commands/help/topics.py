"""What there is to read about: short texts for a terminal, by topic, setting or word of ours.

Owns: which text answers a word, and which was meant where none does.
Must not know: commands and their parsers.
"""

from functools import cache
from importlib.resources import files

from domain_secure.policy.configuration.settings import PARTNER, SETTINGS, Setting
from domain_secure.policy.decision.verdict import Verdict

_SUFFIX = ".txt"
_VERDICTS = "verdicts"


@cache
def topics() -> dict[str, str]:
    """Return the text of each topic by its name, in alphabetical order; its first line is its title."""
    found = sorted((files(__package__) / "texts").iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(_SUFFIX): file.read_text(encoding="utf-8")
        for file in found
        if file.name.endswith(_SUFFIX)
    }


def words() -> tuple[str, ...]:
    """Return every word that :func:`text_about` has an answer to."""
    verdicts = (verdict.word for verdict in Verdict)
    return (*topics(), *verdicts, *map(name_of, SETTINGS), *dict.fromkeys(one.key for one in SETTINGS))


def text_about(word: str) -> str | None:
    """Return the text about a topic, a verdict or a setting; None for any other word."""
    if (text := topics().get(word)) is not None:
        return text
    found = [_setting(one) for one in SETTINGS if word in {one.key, name_of(one)}]
    # A word may be both.
    if word in {verdict.word for verdict in Verdict}:
        found = [topics()[_VERDICTS], *found]
    return "\n".join(found) or None


def name_of(setting: Setting) -> str:
    """Return a setting's name with its table: ``receive.on_failure``."""
    return f"{setting.section}.{setting.key}" if setting.section else setting.key


def _setting(setting: Setting) -> str:
    table = f'[{PARTNER}."DOMAIN"]' if setting.section == PARTNER else f"[{setting.section}]"
    default = setting.default if setting.default is not None else setting.otherwise
    lines = (
        f"{name_of(setting)}",
        "",
        setting.sentence,
        "",
        f"where    {table if setting.section else 'above all tables'}",
        f"allowed  {setting.kind.allowed}",
        f"default  {default}",
        f"changed  takes a {setting.effect} of the daemon"
        + (", which it does by itself" if setting.effect == "reload" else ""),
    )
    return "\n".join(lines) + "\n"
