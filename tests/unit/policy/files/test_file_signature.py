"""What tells that a file is another one, or has another content."""

import os
from pathlib import Path

from domain_secure.policy.files.file_signature import file_signature


def test_a_file_that_stays_the_same(tmp_path: Path) -> None:
    """Reading changes nothing; the path may be text."""
    path = tmp_path / "file"
    path.write_text("one")
    before = file_signature(path)
    path.read_text()
    assert before is not None
    assert file_signature(str(path)) == before


def test_each_change_shows(tmp_path: Path) -> None:
    """Another time, another length, and another file with both alike."""
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("one")
    os.utime(path, ns=(1, 1))
    known = [file_signature(path)]
    os.utime(path, ns=(2, 2))
    known.append(file_signature(path))
    path.write_text("longer")
    os.utime(path, ns=(2, 2))
    known.append(file_signature(path))
    other.write_text("longer")
    os.utime(other, ns=(2, 2))
    other.replace(path)
    known.append(file_signature(path))
    assert len(set(known)) == len(known)


def test_no_file(tmp_path: Path) -> None:
    """There is nothing to see where there is none, nor behind a file."""
    (tmp_path / "file").touch()
    assert file_signature(tmp_path / "none") is None
    assert file_signature(tmp_path / "file" / "below") is None
