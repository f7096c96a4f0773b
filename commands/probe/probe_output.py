"""Print what ``probe`` found, for a person: the verdict first, then each server's reasons.

Text from servers is shown escaped; colour and line breaks are for a terminal only.
"""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from shutil import get_terminal_size
from typing import Any

from domain_secure.policy.certificates.presented_names import some
from domain_secure.policy.terms.printable import printable

_INDENT = 4
_LABEL = 14
_STYLES = {"delivered": "green", "good": "green", "held": "red", "unreachable": "yellow", "no-mail": "yellow"}
_WOULD = {
    "delivered": "would be delivered",
    "held": "would be HELD",
    "unreachable": "cannot be reached now",
    "no-mail": "takes no mail",
}
_MUTUAL = {
    "proved": "proved: it takes our certificate, and refused every other",
    "not-refused": "not proved: it takes our certificate, and did not refuse others as far as we went; it "
    "may still do so at the end of a message",
    "not-asked": "NO: it asks for no certificate, so that it cannot know who sends",
    "ours-refused": "it asks for a certificate, and did not accept ours",
    "ours-not-shown": "not known: we have no client certificate that could be read; run this as root, or see "
    "`domain-secure cert list`",
    "unknown": "not known: no TLS session came about, or it cannot be told what the server asked for",
}
_SHOWN = {
    "none": "no certificate",
    "ours": "ours",
    "other-name": "of another name",
    "self-signed": "self-signed",
}


def print_probe(document: Mapping[str, Any]) -> None:
    """Print one document."""
    _line(
        0,
        "",
        f"{document['domain']} {_WOULD[document['verdict']]}: {document['detail']}",
        document["verdict"],
    )
    for server in document["servers"]:
        _print_server(server)
    for failure in document["failures"]:
        _line(2, "DNS", failure, "unreachable")
    if sts := document["mta_sts"]:
        _line(2, "MTA-STS", _sts(sts))
    if receiving := document["receiving"]:
        _line(2, "receiving", _receiving(receiving))
    if suggestion := document["suggestion"]:
        for number, command in enumerate(suggestion["commands"]):
            _line(2, "" if number else "would pass with", command)
        _line(2, "at this price", suggestion["weakens"])


def print_summary(documents: Sequence[Mapping[str, Any]]) -> None:
    """Print one line for many domains."""
    counted = [(word, sum(one["verdict"] == word for one in documents)) for word in _WOULD]
    print(", ".join(f"{number} {word}" for word, number in counted if number))


def _print_server(server: Mapping[str, Any]) -> None:
    port = "" if server["port"] == 25 else f":{server['port']}"
    place = f"{server['preference']:>2} {server['host'] or ''}[{server['address']}]{port}"
    word = "good" if server["verdict"] == "good" else server["verdict"]
    _line(2, "", f"{place}  {word}: {server['detail']}", "good" if word == "good" else "held")
    for label, text in _facts(server):
        _line(_INDENT + 1, label, text)


def _facts(server: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if server["tls_version"]:
        yield "TLS", f"{server['tls_version']}, {server['cipher']}"
    if chain := server["chain"]:
        leaf = chain[0]
        yield (
            "certificate",
            (
                f"{leaf['subject'] or '(no subject)'}, for {some(server['names'])}, "
                f"{leaf['not_before'][:10]} to {leaf['not_after'][:10]}"
            ),
        )
        yield "", server["certificate"]
        yield "", server["public_key"]
        for link in chain[1:]:
            yield "issued by", f"{link['subject']}, until {link['not_after'][:10]}"
        yield "chain", f"{server['path']['outcome']}: {server['path']['detail']}"
        yield "name", f"{server['name']} is accepted" if server["name"] else "none that the rule accepts"
    yield from _tlsa(server["tlsa"])
    if (asked := server["certificate_requested"]) is not None:
        yield "our certificate", _ours(asked, server["remark"])
    elif server["tls_version"]:
        yield "our certificate", "it cannot be told whether it was asked for: our TLS records are padded"
    if asked is None and server["remark"]:
        yield "afterwards", server["remark"]
    if mutual := server.get("mutual"):
        yield "mutual TLS", _MUTUAL[mutual["verdict"]]
        for which, session in mutual["sessions"].items():
            yield "", f"{_SHOWN[which]}: {_session(session)}"


def _tlsa(tlsa: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for record in tlsa["records"]:
        yield "TLSA", f"{record}{' matches' if record == tlsa['match'] else ''}"
    for failure in tlsa["failures"]:
        yield "TLSA", f"not known: {failure}"


def _ours(asked: bool, remark: str | None) -> str:
    if not asked:
        return "not asked for" + (f"; afterwards: {remark}" if remark else "")
    return f"asked for; then: {remark}" if remark else "asked for, and nothing was said against it"


def _session(session: Mapping[str, Any]) -> str:
    if session["refusal"]:
        return f"refused: {session['refusal']}"
    asked = "" if session["asked"] else ", though it was not asked for"
    return f"not refused up to {session['last_step']}{asked}"


def _sts(sts: Mapping[str, Any]) -> str:
    if sts["problem"]:
        return sts["problem"]  # type: ignore[no-any-return]
    text = f"mode {sts['mode']}, for {some(sts['mx'])}"
    return f"{text}; it does not name {some(sts['not_covered'])}" if sts["not_covered"] else text


def _receiving(receiving: Mapping[str, Any]) -> str:
    revocation = f"; revocation: {receiving['revocation']}"
    if receiving["verdict"] == "pass":
        return f"mail from there with this certificate would pass ({receiving['method']}){revocation}"
    return f"mail from there with this certificate: {receiving['verdict']}: {receiving['detail']}{revocation}"


def _line(indent: int, label: str, text: str, style: str | None = None) -> None:
    """Print one fact; what follows a label on further lines stands under its beginning."""
    start = " " * indent + (f"{label:<{_LABEL}} " if label or indent > _INDENT else "")
    shown = printable(text)
    if not sys.stdout.isatty():
        print(f"{start}{shown}".rstrip())
        return
    # Costs 50 ms to import, so only where somebody looks.
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    width = get_terminal_size().columns
    hanging = " " * (len(start) if label or indent > _INDENT else indent + 2)
    lines = textwrap.wrap(
        shown,
        width,
        initial_indent=start,
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )
    for line in lines or [start]:
        Console().print(Text(line, style=_STYLES.get(style or "", "")), soft_wrap=True)
