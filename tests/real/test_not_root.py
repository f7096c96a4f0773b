"""The commands as a user who may not see everything: what is hidden is named, and nothing is made up."""

import json
import re
from subprocess import CompletedProcess

import pytest
from plugin_format import read

from lab.laboratory import ADDRESSES, CONTOSO, WOODGROVE
from lab.messages import compose
from lab.product import COMMAND, CONFIGURATION, STATE, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


def as_nobody(product: Product, *arguments: str) -> CompletedProcess[str]:
    """Run a command as a user to whom nothing of ours belongs."""
    run = product.lab.namespaces.run
    if run(*NOBODY, COMMAND, "--version", check=False).returncode != 0:
        pytest.skip("the checkout is closed to other users")
    return run(*NOBODY, COMMAND, "--config", CONFIGURATION, *arguments, check=False)


def hidden(product: Product) -> tuple[int, set[str], set[str]]:
    """Return the exit status of `check`, the words of its errors, and what it has not looked at."""
    done = as_nobody(product, "check", "--json")
    found = json.loads(done.stdout)["findings"]
    errors = {one["word"] for one in found if one["severity"] == "error"}
    return done.returncode, errors, {one["what"] for one in found if one["word"] == "not-looked-at"}


def test_check_names_what_it_has_not_looked_at(product: Product) -> None:
    """No error where only permission is lacking, each thing by name; root sees all."""
    assert hidden(product) == (
        0,
        set(),
        {
            "partners' certificates",
            "what partners' servers show",
            "the daemon's sockets",
            "the certificates shown to partners",
            "whether entries have vanished from the lists",
        },
    )
    assert json.loads(product.command("check", "--json").stdout)["not_looked_at"] == []


def test_a_monitoring_system_that_may_not_look_is_told_so(product: Product) -> None:
    """Each thing that nobody could look at is counted, and as bad as somebody has said that it is."""
    states = {}
    counts = json.loads(as_nobody(product, "check", "--json").stdout)["counts"]
    assert counts["not-looked-at"] > 0
    for place in ("ok", "critical"):
        done = as_nobody(product, "check", "--nagios", "--not-looked-at", place)
        found = read(done.stdout, done.returncode)
        assert found.numbers["not_looked_at"][0] == str(counts["not-looked-at"])
        states[place] = found.state
    # What else there is in the laboratory is a warning at most.
    assert states["ok"] in {"OK", "WARNING"}
    assert states["critical"] == "CRITICAL"


def test_no_command_makes_up_an_answer(product: Product) -> None:
    """A Problem, or a gap that is named; and nobody is told to open what is closed."""
    lab = product.lab
    sender, recipient = f"a@{WOODGROVE}", f"user@{CONTOSO}"
    tls = lab.client_context(lab.identities[WOODGROVE])
    lab.send(
        lab.contoso,
        compose(sender, recipient),
        source=ADDRESSES[WOODGROVE],
        sender=sender,
        recipient=recipient,
        tls=tls,
    )
    wait_for(lab.namespaces.outside(STATE / "history.sqlite").exists, "the history")
    fingerprint = lab.identities[WOODGROVE].fingerprint
    message = ("--from", f"a@{WOODGROVE}", "--client", ADDRESSES[WOODGROVE], "--fingerprint", fingerprint)
    for arguments in (("explain", *message), ("pending",), ("report",), ("whatif",), ("log", "show")):
        done = as_nobody(product, *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert "no permission to " in done.stderr
        assert done.stderr.endswith(": run this as root\n")
    status = as_nobody(product, "status")
    assert "pending        not known: no permission to use the certificate book" in status.stdout
    assert "history        not known: no permission to read the history" in status.stdout
    shown = as_nobody(product, "partner", "show", WOODGROVE).stdout
    assert re.search("certificates +not known: no permission to use the certificate book", shown)
    probed = as_nobody(product, "probe", WOODGROVE)
    assert "the certificates are not kept: no permission" in probed.stderr
    for text in (status.stdout, shown, probed.stderr, as_nobody(product, "check").stdout):
        assert "writable" not in text


def test_where_more_is_closed(product: Product) -> None:
    """A closed state folder, and a closed configuration: the same, with more of it."""
    run = product.lab.namespaces.run
    run("chmod", "700", STATE)
    try:
        status, errors, names = hidden(product)
        assert (status, errors) == (0, set())
        assert {"our own certificates", "routing", "the generated tables"} <= names
        assert "no permission" in as_nobody(product, "pending").stderr
        done = as_nobody(product, "status")
        assert done.returncode == 0
        assert "protocol log   not known: " in done.stdout
    finally:
        run("chmod", "755", STATE)
    run("chmod", "600", CONFIGURATION)
    try:
        assert hidden(product) == (2, set(), {"our configuration, and all that follows from it"})
        assert "not looked at: no permission to read the configuration" in as_nobody(product, "status").stdout
    finally:
        run("chmod", "644", CONFIGURATION)
