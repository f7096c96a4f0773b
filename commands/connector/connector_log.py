"""How much the protocol log says of one connector: where that is written, and that it is in force.

Owns: that edit of the configuration file.
"""

from pathlib import Path

from domain_secure.commands.in_force.daemon_step import await_daemon, not_yet
from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.editing.draft import Draft, open_draft
from domain_secure.policy.toml import toml_edit

DEFAULT = "default"  #: the level of the direction, and none of its own
_SECTION, _SERVICES, _SEND = "log", "services", "send"


def is_so(configuration: Configuration, name: str, direction: str, level: str) -> bool:
    """Tell whether a connector has the level, or none of its own where that is asked for."""
    if direction == "send":
        return configuration.log_send == (LogLevel.NORMAL if level == DEFAULT else level)
    own = configuration.log_services.get(name)
    return own is None if level == DEFAULT else own == level


def set_level(path: Path, name: str, direction: str, level: str) -> bool:
    """Write the level into the configuration at *path*, and wait until a running daemon goes by it.

    All that we send leaves by one transport, so that its level is that of the direction.  Returns whether a
    daemon runs; raises Problem.
    """
    with open_draft(path) as draft:
        if direction == "send":
            word = LogLevel.NORMAL if level == DEFAULT else LogLevel(level)
            draft.edit(lambda text: toml_edit.set_value(text, (_SECTION, _SEND), str(word)))
        else:
            _set_service(draft, name, level)
        draft.write(lambda new: is_so(new, name, direction, level))
    with not_yet():
        return await_daemon(load(path))


def _set_service(draft: Draft, name: str, level: str) -> None:
    levels = {service: str(one) for service, one in draft.former.log_services.items()}
    levels.pop(name, None)
    if level != DEFAULT:
        levels[name] = level
    written = [f"{service}={one}" for service, one in levels.items()]
    keys = (_SECTION, _SERVICES)
    draft.edit(
        lambda text: toml_edit.set_value(text, keys, written) if written else toml_edit.remove_key(text, keys)
    )
