"""The words of the sheet: each language says all of it, with the same places."""

import re
import string
from pathlib import Path

import pytest

from domain_secure.commands.invitation import words as module
from domain_secure.commands.invitation.command import _FORMATS, _LANGUAGES
from domain_secure.commands.invitation.forms import Format
from domain_secure.commands.invitation.words import Language, Words, texts_of

ENGLISH = texts_of(Language.ENGLISH)


def places(text: str) -> list[str]:
    """Return the places in a text, sorted."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", Language)
def test_each_language_has_every_key_and_every_place(language: Language) -> None:
    """None is missing, none is left over, and each text has the places of the English one."""
    texts = texts_of(language)
    assert list(texts) == list(ENGLISH), "the same keys in the same order"
    for key, text in texts.items():
        assert text.strip() == text != ""
        assert places(text) == places(ENGLISH[key]), key


@pytest.mark.parametrize("language", [Language.GERMAN, Language.JAPANESE])
def test_nothing_is_left_in_english(language: Language) -> None:
    """No text is the English one, apart from what is called so everywhere."""
    same = [key for key, text in texts_of(language).items() if text == ENGLISH[key]]
    assert same == []


def test_every_key_is_used_and_every_used_key_is_there() -> None:
    """The sheet names each text, some of them by a word of a rule."""
    folder = Path(module.__file__).parent
    source = "".join((folder / name).read_text() for name in ("sheet.py", "facts.py"))
    made = {"way_", "require_", "failure_", "send_", "unknown_"}
    for key in ENGLISH:
        assert f'"{key}"' in source or any(key.startswith(one) for one in made), key
    for key in re.findall(r'words\("([a-z_]+)"', source):
        assert key in ENGLISH


def test_the_choices_are_the_languages_and_the_forms() -> None:
    """The parser names them without loading what prints them."""
    assert list(Language) == list(_LANGUAGES)
    assert list(Format) == list(_FORMATS)
    for language in Language:
        assert (Path(module.__file__).parent / "texts" / f"{language}.toml").exists()


def test_a_missing_place_is_an_error() -> None:
    """No text goes out with a hole in it."""
    with pytest.raises(KeyError):
        Words(Language.ENGLISH)("title", ours="contoso.test")
