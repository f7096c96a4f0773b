"""The words of the sheet in each language: one table file for each, with the same keys and places.

Must not know: what is put into the places.
"""

import tomllib
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files


@unique
class Language(StrEnum):
    """The languages, by their tags (RFC 5646)."""

    ENGLISH = "en"
    GERMAN = "de"
    JAPANESE = "ja"


class Words:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = texts_of(language)

    def __call__(self, key: str, **places: str) -> str:
        """Return a text with its places filled; raises KeyError for a key or a place that is missing."""
        return self._texts[key].format_map(places)


@cache
def texts_of(language: Language) -> dict[str, str]:
    """Return every text of a language by its key."""
    table = files(__package__) / "texts" / f"{language}.toml"
    return tomllib.loads(table.read_text(encoding="utf-8"))
