"""What root keeps of routes that Postfix goes by."""

from dataclasses import replace
from pathlib import Path

from configurations import make_configuration

from domain_secure.postfix.attach import attach_record, routes_record

KNOWN = [[1, 2, 3], [4, 5, 6]]


def test_what_was_written_is_known_until_the_routes_are_others(tmp_path: Path) -> None:
    """Another file in place is another signature, and nothing is known of it."""
    configuration = replace(make_configuration(tmp_path / "state"), config_directory=tmp_path)
    routes_record.path_of(configuration).parent.mkdir(parents=True)
    assert not routes_record.is_known(configuration, KNOWN)
    routes_record.write(configuration, KNOWN)
    assert routes_record.is_known(configuration, KNOWN)
    assert not routes_record.is_known(configuration, [[9, 2, 3], [4, 5, 6]])


def test_without_an_attach_nothing_is_kept(tmp_path: Path) -> None:
    """The folder is attach's."""
    configuration = make_configuration(tmp_path / "state")
    routes_record.write(configuration, KNOWN)
    assert not (tmp_path / "state").exists()


def test_it_goes_with_the_record_of_attach(tmp_path: Path) -> None:
    """After detach nothing of it is left."""
    configuration = make_configuration(tmp_path / "state")
    routes_record.path_of(configuration).parent.mkdir(parents=True)
    routes_record.write(configuration, KNOWN)
    attach_record.remove(attach_record.path_of(configuration.state, configuration.config_directory))
    assert not (configuration.state / "attach").exists()


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    """Whatever stands there."""
    configuration = make_configuration(tmp_path / "state")
    path = routes_record.path_of(configuration)
    path.parent.mkdir(parents=True)
    path.write_text("[[1, 2")
    assert not routes_record.is_known(configuration, KNOWN)


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Whoever put it there before the folder was root's leads root nowhere."""
    configuration = replace(make_configuration(tmp_path / "state"), config_directory=tmp_path)
    path = routes_record.path_of(configuration)
    path.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("root's")
    path.symlink_to(victim)
    routes_record.write(configuration, KNOWN)
    assert victim.read_text() == "root's"
    assert not path.is_symlink()
    assert routes_record.is_known(configuration, KNOWN)
