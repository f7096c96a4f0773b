"""What the daemon loads: its memory and its start depend on what it does without."""

import subprocess
import sys

_LIBRARIES = ("tomlkit", "rich", "aiohttp", "requests", "dkim", "grpc", "jinja2")
#: What only pages, answers to letters and root need.
_MODULES = (
    "difflib",
    "email.policy",
    "domain_secure.commands.changes",
    "domain_secure.commands.in_force",
    "domain_secure.commands.serve.pages",
    "domain_secure.commands.status",
    "domain_secure.milter.changes.page_changes",
    "domain_secure.milter.page.status_page",
    "domain_secure.policy.own.own_import",
)
_LIST = "import sys, domain_secure.commands.serve.command;print(*sys.modules)"


def test_libraries_of_commands_are_not_loaded() -> None:
    """What only commands and rare messages need is loaded by them."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _LIST], capture_output=True, text=True, check=True, cwd="/"
    )
    loaded = set(done.stdout.split())
    assert "domain_secure" in loaded
    assert not loaded & {*_LIBRARIES, *_MODULES}
