"""Write the manual pages, the completions of the shells and the configuration of a new installation.

``python manual/write.py FOLDER`` writes each under the name it is to be installed as.  All of it comes from
what the program itself uses: its parsers, and the table of its settings.
"""

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path

import shtab
from argparse_manpage.compat import get_reproducible_date
from argparse_manpage.manpage import Manpage

from domain_secure.commands.command_line import CommandParser
from domain_secure.commands.help.usage import usage_of
from domain_secure.commands.whole_parser import whole_parser, words_of
from domain_secure.policy.configuration.settings_document import settings_document
from domain_secure.policy.configuration.settings_file import settings_file

from roff import escaped, sections

_HERE = Path(__file__).parent
_TITLE = "Postfix Domain Secure"
_PACKAGE = "postfix-domain-secure"
_SHELLS = {"bash": "domain-secure", "zsh": "_domain-secure", "fish": "domain-secure.fish"}


def pages() -> dict[str, str]:
    """Return each manual page by the name of its file."""
    return {
        "domain-secure.1": _command_page("domain-secure", 1, "mutual TLS per domain, for Postfix"),
        "domain-secure-serve.8": _command_page("domain-secure-serve", 8, "the daemon that Postfix asks"),
        "domain-secure.toml.5": _settings_page(),
    }


def completions() -> dict[str, str]:
    """Return the completion for each shell by the name of the shell."""
    parser = whole_parser()
    _complete_paths(parser)
    return {shell: shtab.complete(parser, shell=shell) for shell in _SHELLS}


class _Unbroken(argparse.HelpFormatter):
    """Leaves it to the reader of a page to break lines; argparse breaks at hyphens, also within a path."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        del width, indent
        return text


def _command_page(name: str, section: int, description: str) -> str:
    parser = whole_parser()
    if name != parser.prog:
        parser = words_of(parser)[name.removeprefix(f"{parser.prog}-")]
    parser.formatter_class = _Unbroken
    examples = _examples(parser)
    parser.description = parser.whole_description()
    for below in words_of(parser).values():
        _describe(below)
    # What the page says at its end is in the file beside this one.
    parser.epilog = None
    data = {
        "project_name": _PACKAGE,
        "version": version(_PACKAGE),
        "manual_title": _TITLE,
        "manual_section": section,
        "description": description,
    }
    page = Manpage(parser, _data=data, format="single-commands-section")
    text = _still(str(page)).replace(
        f'.TH {escaped(parser.prog.upper())} "', f'.TH {escaped(name.upper())} "', 1
    )
    text = text.replace(f".SH NAME\n{escaped(parser.prog)} ", f".SH NAME\n{escaped(name)} ", 1)
    more = sections((_HERE / f"{name}.{section}.md").read_text())
    return f"{text}{examples}" + "".join(
        f".SH {heading.upper()}\n{body}\n" for heading, body in more.items() if heading
    )


def _still(page: str) -> str:
    """Return a page that does not hyphenate: words of a command line must stay as they are typed."""
    head, _, rest = page.partition("\n")
    return f"{head}\n.nh\n{rest}"


def _describe(parser: CommandParser) -> None:
    """Say what a command is for; leave out what every part of it takes and the page says once."""
    parser.description = parser.whole_description()
    for action in parser._actions:
        if "--config" in action.option_strings:
            action.help = argparse.SUPPRESS
    for below in words_of(parser).values():
        _describe(below)


def _examples(parser: CommandParser) -> str:
    """Return the examples of a command, and of those below it, as a section."""
    found: list[str] = []
    waiting = [parser]
    while waiting:
        one = waiting.pop(0)
        waiting = [*words_of(one).values(), *waiting]
        if usage := usage_of(one.words):
            found += (
                f".TP\n\\fB{escaped(f'domain-secure {command}')}\\fR\n{escaped(meaning)}\n"
                for command, meaning in usage.examples
            )
    return f".SH EXAMPLES\n{''.join(found)}"


def _settings_page() -> str:
    found = sections(settings_document())
    date, source = get_reproducible_date(), f"{_PACKAGE} {version(_PACKAGE)}"
    return "".join(
        (
            f'.TH DOMAIN\\-SECURE.TOML "5" "{escaped(date)}" "{escaped(source)}" "{_TITLE}"\n.nh\n',
            f".SH NAME\ndomain\\-secure.toml \\- the configuration of {_TITLE}\n",
            f".SH DESCRIPTION\n{found.pop('')}\n",
            *(f".SH {heading}\n{body}\n" for heading, body in found.items()),
            ".SH SEE ALSO\n\\fBdomain\\-secure\\fR(1), \\fBdomain\\-secure\\-serve\\fR(8)\n",
        )
    )


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if action.type is Path:
            action.complete = shtab.FILE
    for below in words_of(parser).values():
        _complete_paths(below)


def main(folder: Path) -> None:
    """Write everything into *folder*."""
    # Usage lines are broken at this width, wherever it is done.
    os.environ["COLUMNS"] = "80"
    files = {f"man/man{name[-1]}/{name}": page for name, page in pages().items()}
    texts = completions()
    files |= {f"{shell}/{name}": texts[shell] for shell, name in _SHELLS.items()}
    files["domain-secure.toml"] = settings_file()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
