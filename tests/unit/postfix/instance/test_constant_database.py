"""The entries of cdb files, made by postmap(1)."""

import shutil
from pathlib import Path

import pytest

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.constant_database import entries
from domain_secure.postfix.instance.programs import PostfixInstance

pytestmark = pytest.mark.skipif(shutil.which("postmap") is None, reason="Postfix is not installed")


@pytest.fixture
def instance(tmp_path: Path) -> PostfixInstance:
    """Return a Postfix with nothing set, which has cdb."""
    for name in ("main.cf", "master.cf"):
        (tmp_path / name).touch()
    instance = PostfixInstance(tmp_path)
    if "cdb" not in instance.map_types:
        pytest.skip("this Postfix has no cdb")
    return instance


@pytest.mark.parametrize("number", [0, 1, 3000])
def test_all_entries_are_listed(instance: PostfixInstance, number: int) -> None:
    """None, one, and so many that every hash table has some."""
    table = instance.config_directory / "table"
    written = {f"user{index}@example.test": f"smtp:[host{index}.test]" for index in range(number)}
    table.write_text("".join(f"{key} {value}\n" for key, value in written.items()))
    instance.compile_map("cdb", table)
    assert dict(entries(Path(f"{table}.cdb"))) == written
    assert dict(instance.entries(f"cdb:{table}")) == written


def test_a_part_of_a_file_is_not_taken_for_all(instance: PostfixInstance) -> None:
    """Truncated anywhere before its hash tables, missing, or of another form: a problem."""
    table = instance.config_directory / "table"
    table.write_text("a@example.test x\nb@example.test y\n")
    instance.compile_map("cdb", table)
    file = Path(f"{table}.cdb")
    whole = file.read_bytes()
    records = 2048 + 2 * 8 + len("a@example.testxb@example.testy")
    for octets in (whole[:0], whole[:100], whole[:2048], whole[:2060], whole[: records - 1], b"\x17" * 4096):
        file.write_bytes(octets)
        with pytest.raises(Problem, match="no cdb file"):
            list(entries(file))
    file.unlink()
    with pytest.raises(Problem, match="cannot be read"):
        list(entries(file))
