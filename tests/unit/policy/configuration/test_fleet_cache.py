"""What a node holds on disk: whole, checked, and replaced at once."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from domain_secure.policy.configuration.fleet_cache import Contact, FleetCache
from domain_secure.policy.revisions.revision import Envelope, Text
from domain_secure.policy.terms.problems import ExitStatus, Problem

from unit.policy.revisions import NOW, revision


def envelope(number: int, **texts: bytes) -> Envelope:
    """Return a revision of these texts."""
    named = {
        name: Text("0" * 64, hashlib.sha256(text).hexdigest(), len(text)) for name, text in texts.items()
    }
    return Envelope(revision(number, texts=named))


def test_written_and_read_again(tmp_path: Path) -> None:
    """The newest revision is read with its texts, and nothing of the former one stays on the disk."""
    cache = FleetCache(tmp_path / "state")
    assert cache.envelope() is None
    with pytest.raises(Problem) as caught:
        cache.read()
    assert caught.value.status is ExitStatus.NO_ANSWER
    for number, text in ((1, b"mode = 'observe'\n"), (2, b"")):
        cache.write(
            envelope(number, policy=text, receive=b"a.test\n"), {"policy": text, "receive": b"a.test\n"}
        )
        held, shared = cache.read()
        assert (held.revision.number, shared.text, shared.revision) == (number, text, number)
        assert shared.lists == {"receive": b"a.test\n"}
        assert len(list(cache.folder.glob("*.text"))) == 2
    cache.forget()
    assert not cache.folder.exists()


def test_damage_is_a_problem(tmp_path: Path) -> None:
    """A text that is not what the revision names, one that is missing and a torn record are told."""
    cache = FleetCache(tmp_path)
    made = envelope(1, policy=b"x = 1\n")
    (cache_text,) = (cache.folder / f"{text.sha256}.text" for text in made.revision.texts.values())
    cache.write(made, {"policy": b"x = 1\n"})
    cache_text.write_bytes(b"x = 2\n")
    with pytest.raises(Problem, match="its digest differs"):
        cache.read()
    cache.write(made, {"policy": b"x = 1\n"})
    assert cache.read()[1].text == b"x = 1\n"
    cache_text.unlink()
    with pytest.raises(Problem, match="No such file"):
        cache.read()
    cache.watched.write_bytes(b"{")
    with pytest.raises(Problem, match="cannot be used"):
        cache.envelope()


def test_contact(tmp_path: Path) -> None:
    """What was last noted of the store is read again; what cannot be read counts as nothing."""
    cache = FleetCache(tmp_path)
    assert cache.contact() is None
    contact = Contact(NOW, "4711", 3, "the store went backwards")
    cache.note_contact(contact)
    assert cache.contact() == contact
    cache.note_contact(replace(contact, problem=None))
    (cache.folder / "contact.json").write_text("[]")
    assert cache.contact() is None
