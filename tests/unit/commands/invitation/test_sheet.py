"""The sheet in every language and form: all the facts, and nothing of them is markup."""

import html
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from configurations import make_configuration, make_partner

from domain_secure.commands.agreement.own_side import NextKey, OwnSide
from domain_secure.commands.invitation.facts import Asked, sheet_facts
from domain_secure.commands.invitation.forms import Format, shown
from domain_secure.commands.invitation.sheet import sheet_of
from domain_secure.commands.invitation.words import Language, Words
from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.configuration.configuration import (
    Condition,
    Configuration,
    Method,
    Mode,
    OnFailure,
    SendMethod,
)
from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin
from domain_secure.postfix.dns.dns_lookup import Lookup, LookupStatus

from lab.certificates import Authority

WOODGROVE, US, HOST = Entry("woodgrovebank.test"), Domain("contoso.test"), Domain("mx1.contoso.test")
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
PIN, NEXT = Pin.public_key("aa" * 32), Pin.public_key("bb" * 32)
HOSTILE = '<script>alert("x")</script> `*_[a](b)\x1b[2J& 検査'


def silent(_: str, __: str) -> Lookup:
    """Answer nothing, as a resolver that cannot be reached."""
    return Lookup(LookupStatus.FAILED, detail="no answer")


def certificate(common_name: str = "mx1.contoso.test") -> tuple[Certificate, Certificate]:
    """Return a chain of two."""
    authority = Authority.create("Contoso CA")
    issued = authority.issue(common_name, dns_names=["mx1.contoso.test"])
    return parse(issued.der), parse(authority.der)


OWN = OwnSide(
    domains=(US,),
    mx=(HOST,),
    chains={Role.SERVER: (certificate(),), Role.CLIENT: (certificate(),)},
    coming=(NextKey(NEXT, ("mx1.contoso.test",)),),
)


def rules(**rule: Any) -> Configuration:
    """Return a configuration in which the partner is on both lists."""
    listed = DomainList.of(WOODGROVE)
    return make_configuration(
        receive=listed, send=listed, partners={WOODGROVE: make_partner(WOODGROVE, **rule)}
    )


def facts_of(own: OwnSide = OWN, configuration: Configuration | None = None, **asked: Any) -> dict[str, Any]:
    """Return the facts of the sheet."""
    whom = replace(Asked(WOODGROVE, ["Postmaster, +49 30 1234"], "mx1.contoso.test", NOW), **asked)
    return sheet_facts(whom, configuration or rules(), own, silent)


def sheet(facts: dict[str, Any], language: Language = Language.ENGLISH, form: Format = Format.TEXT) -> str:
    """Return the sheet."""
    return shown(sheet_of(facts, Words(language)), form)


class Page(HTMLParser):
    """What a browser makes of a page: its tags, its text, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag."""
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in {"src", "href", "action", "srcset"}]

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.text += data


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("language", Language)
def test_all_that_is_copied_stands_in_every_sheet(language: Language, form: Format) -> None:
    """In one piece: names, digests, records and commands."""
    facts = facts_of(configuration=rules(pins=frozenset({PIN}), timed_pins=(TimedPin(NEXT, NOW, None),)))
    text = sheet(facts, language, form)
    plain = html.unescape(text) if form is Format.HTML else text
    (leaf, authority), *_ = OWN.chains[Role.SERVER]
    for value in (
        *("contoso.test", "mx1.contoso.test", str(PIN), f"{NEXT} (", "2026-11-27T09:00:00Z"),
        *(str(leaf.certificate_pin), str(leaf.public_key_pin), str(authority.certificate_pin)),
        f"_25._tcp.mx1.contoso.test. IN TLSA 3 1 1 {leaf.public_key_pin.digest}",
        f"_25._tcp.mx1.contoso.test. IN TLSA 3 1 1 {NEXT.digest}",
        *(one["command"] for one in facts["commands"]),
        facts["mark"],
        "+49 30 1234" if form is not Format.MARKDOWN else "49 30 1234",
    ):
        assert value in plain, value
    assert "{" not in sheet(facts, language)


@pytest.mark.parametrize("language", Language)
def test_every_rule_has_words(language: Language) -> None:
    """Whatever method, condition, mode and effect a rule has, and where there is none."""
    for methods in ([one] for one in Method):
        for send_method in SendMethod:
            for mode in Mode:
                rule = {"methods": tuple(methods), "send_method": send_method, "mode": mode}
                configuration = rules(**rule, require=tuple(Condition), mx=(HOST,))
                for effect in OnFailure:
                    assert sheet(facts_of(configuration=replace(configuration, on_failure=effect)), language)
    assert "woodgrovebank.test" in sheet(facts_of(configuration=make_configuration()), language)


def test_times_of_keys_are_told_in_the_language() -> None:
    """In words, and not as the configuration spells them."""
    key, begins, ends = Pin.public_key("ab" * 32), *(datetime(2027, month, 1, tzinfo=UTC) for month in (1, 2))
    times = ((begins, None), (None, ends), (begins, ends))
    facts = facts_of(configuration=rules(timed_pins=tuple(TimedPin(key, *one) for one in times)))
    german = sheet(facts, Language.GERMAN)
    for told in ("ab 2027-01-01T00:00:00Z", "bis 2027-02-01T00:00:00Z", "bis 2027-02-01T00:00:00Z"):
        assert f"{told})" in german
    assert " until " not in german
    assert "2027-01-01T00:00:00Z から)" in sheet(facts, Language.JAPANESE)


def test_what_is_not_known_is_named() -> None:
    """Each by name, without what is ours alone to know, such as the path of a file."""
    words = ("domains", "mx", "certificates", "next_keys")
    lost = OwnSide((), (), {Role.SERVER: (), Role.CLIENT: ()}, (), tuple((one, "/etc/x") for one in words))
    facts = facts_of(lost, contacts=[])
    assert {one["what"] for one in facts["unknown"]} == {*words, "telephone"}
    for language in Language:
        text = sheet(facts, language)
        for one in (*words, "telephone"):
            assert (
                Words(language)(f"unknown_{one}").split()[0]
                in text.rpartition(Words(language)("section_unknown"))[2]
            )
        assert "/etc/x" not in text
    assert "unknown" not in {one["standing"] for one in facts["tlsa"]}
    assert {one["standing"] for one in facts_of()["tlsa"]} == {"unknown"}


def test_what_is_known_to_be_absent_is_not_called_unknown() -> None:
    """A certificate that is not shown, where that is known."""
    none = replace(OWN, chains={Role.SERVER: (), Role.CLIENT: ()})
    assert Words(Language.ENGLISH)("none_shown") in sheet(facts_of(none))


@pytest.mark.parametrize("language", Language)
def test_the_page_is_one_file_in_which_nothing_foreign_is_markup(language: Language) -> None:
    """Whatever a certificate's subject or a contact says; nothing is loaded, and no script is there."""
    chain = certificate(HOSTILE[:60])
    own = replace(OWN, chains={Role.SERVER: (chain,), Role.CLIENT: (chain,)})
    text = sheet(facts_of(own, contacts=[HOSTILE]), language, Format.HTML)
    page = Page()
    page.feed(text)
    assert page.loaded == []
    assert not {"script", "img", "a", "link", "iframe", "object"} & set(page.tags)
    assert '<script>alert("x")</script>' in page.text
    assert "\x1b" not in text
    assert f'<html lang="{language}">' in text
    assert "default-src" in text


def test_markdown_has_no_markup_of_strangers() -> None:
    """Each letter that means something is escaped or stands in a code span."""
    text = sheet(facts_of(contacts=[HOSTILE]), form=Format.MARKDOWN)
    (line,) = [one for one in text.splitlines() if "script" in one]
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)[<*_\[`]", line.removeprefix("- "))


@pytest.mark.parametrize(
    ("contact", "written"),
    [
        ("1. of the two postmasters, by day or night", "1\\. of"),
        ("- the postmasters of both our domains, by day", "\\- the"),
        ("=== see the page of our postmasters, by day", "\\=== see"),
        ("a_b or <c> or [d](e) or the postmaster of ours", "a\\_b or \\<c\\> or \\[d\\](e) or the"),
        ("the postmaster (+49 30 1234), by day: or by night", "the postmaster (+49 30 1234), by day: or"),
    ],
)
def test_markdown_can_be_read_as_it_is_written(contact: str, written: str) -> None:
    """Only what would mean something where it stands is escaped."""
    assert f"- {written}" in sheet(facts_of(contacts=[contact]), form=Format.MARKDOWN)


@pytest.mark.parametrize("language", Language)
def test_text_fits_a_terminal_and_a_letter(language: Language) -> None:
    """No sentence is wider than 80 columns, a letter of Japanese counted as two."""
    for line in sheet(facts_of(), language).splitlines():
        columns = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)
        assert columns <= 80 or re.search(r"openssl|sha256:|TLSA|posttls", line), line
        assert not line.lstrip().startswith(("、", "。"))


@pytest.mark.parametrize("language", Language)
def test_an_address_that_answers_is_named(language: Language) -> None:
    """Where there is one; where there is none, that is said."""
    answers = facts_of() | {"reflector": "reflector@contoso.test"}
    assert "reflector@contoso.test" in sheet(answers, language)
    assert Words(language)("no_reflector")[:10] in sheet(facts_of(), language)
    assert Words(language)("no_reflector")[:10] not in sheet(answers, language)
