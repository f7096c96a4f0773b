"""Each document that has commands is followed to the letter, in its own order, on a machine with a partner.

A document finds the machine as the one before left it, so that each tells how to come back from what it does.
"""

import os
import subprocess

import pytest

from document_reader import IN_LABORATORY, File, Meanwhile, Section, Step, added, is_shown, sections
from mail_hosts import HOME, Edge, Partner
from meanwhile import Others

DOCUMENTS = HOME / "docs"
#: It takes the product out.
LAST = "upgrade-and-removal.md"


def _followed() -> list[tuple[str, Section]]:
    paths = sorted(DOCUMENTS.glob("*.md"), key=lambda path: (path.name == LAST, path.name))
    paths = [path for path in paths if path.name not in IN_LABORATORY]
    return [(path.name, section) for path in paths for section in sections(path.read_text())]


@pytest.fixture(scope="module")
def others(edge: Edge, partner: Partner) -> Others:
    """Both Postfix run, the product is installed and attached, and the partner is on both lists."""
    others = Others(edge, partner)
    others.set_up()
    return others


@pytest.mark.parametrize(
    ("document", "section"), [pytest.param(*one, id=f"{one[0]}: {one[1].heading}") for one in _followed()]
)
def test_the_document_holds(others: Others, document: str, section: Section) -> None:
    """Each command ends as the document says and shows what stands there, and what it promises is so."""
    for step in section.steps:
        _do(step, document, others)


def _do(step: Step, document: str, others: Others) -> None:
    where = f"{document}:{step.line}"
    if isinstance(step, Meanwhile):
        print(f"{where}: {step.what}")
        others.do(step.what)
    elif isinstance(step, File):
        step.path.parent.mkdir(parents=True, exist_ok=True)
        step.path.write_text(added(step.path.read_text(), step.text) if step.is_added else step.text)
    else:
        _type(others.said(step.text), step.status, tuple(map(others.said, step.shown)), where)


def _type(text: str, status: int, shown: tuple[str, ...], where: str) -> None:
    print(f"{where}: # {text}")
    done = subprocess.run(
        ["sh", "-c", text],
        cwd=HOME,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=os.environ | {"LANG": "C.UTF-8"},
    )
    print(done.stdout)
    assert done.returncode == status, f"{where}: `{text}` ended with {done.returncode}\n{done.stdout}"
    assert not shown or is_shown(shown, done.stdout), f"{where}: `{text}` shows\n{done.stdout}"
