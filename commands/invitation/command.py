"""``domain-secure partner invite``: print the sheet for a partner's administrator."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.agreement.arguments import add_our_domain
from domain_secure.commands.terminal.common import configuration_of, note, print_json
from domain_secure.commands.terminal.documents import add_json
from domain_secure.policy.files.atomic_file import replace
from domain_secure.policy.terms.domain import InvalidDomainError, entry_base, parse_entry
from domain_secure.policy.terms.problems import ExitStatus, Problem

_FORMATS = ("text", "markdown", "html")
_LANGUAGES = ("en", "de", "ja")


def add_parser(actions: Any) -> None:
    """Declare ``invite`` among the actions of ``partner``."""
    parser = actions.add_parser("invite", help="print what the partner's administrator has to know of us")
    parser.add_argument("domain", metavar="DOMAIN", help="the partner")
    parser.add_argument("--format", choices=_FORMATS, default="text", help="the form (default: text)")
    parser.add_argument("--language", choices=_LANGUAGES, default="en", help="the language (default: en)")
    parser.add_argument(
        "--contact",
        action="append",
        default=[],
        metavar="TEXT",
        help="whom the partner turns to, with a telephone number; may be given again",
    )
    add_our_domain(parser)
    parser.add_argument("--out", metavar="FILE", help="write it there instead of printing it")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print the sheet; what could not be learnt is named in it, and is no fault of the command."""
    # Knows Postfix and DNS, for which no other action of ``partner`` should wait.
    from domain_secure.commands.agreement.own_side import own_side  # noqa: PLC0415
    from domain_secure.postfix.dns.dns_lookup import system_lookup  # noqa: PLC0415
    from domain_secure.postfix.instance.programs import PostfixInstance  # noqa: PLC0415

    from .facts import Asked, sheet_facts  # noqa: PLC0415
    from .forms import Format, shown  # noqa: PLC0415
    from .sheet import sheet_of  # noqa: PLC0415
    from .words import Language, Words  # noqa: PLC0415

    configuration, now = configuration_of(arguments), datetime.now(UTC)
    try:
        entry = parse_entry(arguments.domain)
    except InvalidDomainError as error:
        raise Problem(str(error), "DOMAIN", "name a domain, such as woodgrovebank.test") from error
    own = own_side(configuration, arguments.our_domain, now, system_lookup)
    if entry_base(entry) in own.domains:
        raise Problem(
            "this domain is ours",
            entry,
            "name the partner; where Postfix takes in his mail, name our domains with --our-domain",
        )
    try:
        node = PostfixInstance(configuration.config_directory).parameter("myhostname")
    except Problem:
        node = next(iter(own.mx), "?")
    facts = sheet_facts(Asked(entry, arguments.contact, node, now), configuration, own, system_lookup)
    sheet = shown(sheet_of(facts, Words(Language(arguments.language))), Format(arguments.format))
    out = arguments.out and Path(arguments.out)
    if out:
        replace(out, sheet.encode())
    if arguments.json:
        print_json(facts | {"written": [str(out)] if out else []})
    elif out:
        print(f"written: {out}")
    else:
        _require_letters(sheet)
        print(sheet, end="")
    for one in facts["unknown"]:
        if one["why"]:
            note(f"not known, and named so in the sheet: {one['what']}: {one['why']}")
    return ExitStatus.DONE


def _require_letters(sheet: str) -> None:
    """Raise a Problem where the locale lacks letters of the sheet: nobody is to be sent question marks."""
    # What stands for standard output in a program of ours has no encoding.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sheet.encode(encoding)
    except UnicodeEncodeError as error:
        raise Problem(
            f"this locale ({encoding}) lacks letters of the sheet",
            "standard output",
            "write it into a file with --out FILE, which is UTF-8",
        ) from error
