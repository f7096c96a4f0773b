"""The protocol log and the history beside a running daemon: the story told, levels, kill -9, bad files."""

import hashlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, NOBODY, WOODGROVE, Lab
from lab.messages import compose
from lab.product import COMMAND, CONFIGURATION, STATE, Product
from lab.smtp_client import Reply
from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

PARTNER = f"admin@{WOODGROVE}"
OURS = f"user@{CONTOSO}"
NEW = "tailspintoys.test"
HISTORY = STATE / "history.sqlite"
_CHECK = """\
import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone())
"""


def receive(lab: Lab, *, tls: bool, source: str = ADDRESSES[WOODGROVE]) -> Reply:
    """Let a client send in Woodgrove's name: with Woodgrove's certificate, or in the clear."""
    return lab.send(
        lab.contoso,
        compose(PARTNER, OURS),
        source=source,
        sender=PARTNER,
        recipient=OURS,
        tls=lab.client_context(lab.identities[WOODGROVE]) if tls else None,
    )


def shown(product: Product, *arguments: str) -> list[dict[str, Any]]:
    """Return what ``log show --json`` prints."""
    found: list[dict[str, Any]] = json.loads(product.command("log", "show", "--json", *arguments).stdout)[
        "records"
    ]
    return found


def wait_for_records(product: Product, count: int, *arguments: str) -> list[dict[str, Any]]:
    """Wait until so many records fit, and return them."""

    def found() -> list[dict[str, Any]] | None:
        records = shown(product, *arguments)
        return records if len(records) >= count else None

    return wait_for(found, f"{count} records of {' '.join(arguments)}", context=product.log)


def test_both_directions_are_recorded(product: Product) -> None:
    """A refusal, a pass and a delivery are read back, and the report counts them."""
    lab = product.lab
    refused = receive(lab, tls=False, source=NOBODY)
    receive(lab, tls=True)
    lab.submit(lab.contoso, compose(OURS, PARTNER), sender=OURS, recipient=PARTNER)
    first, second = wait_for_records(product, 2, "receive")
    assert (first["verdict"], second["verdict"]) == ("no-tls", "pass")
    assert f"[ref {first['queue_id']}]" in refused.text
    (sent,) = wait_for_records(product, 1, "send", "--verdict", "sent")
    assert (sent["domain"], sent["verified"], sent["mutual"]) == (WOODGROVE, True, True)
    (partner,) = json.loads(product.command("report", "--json").stdout)["partners"]
    assert partner["received"]["passed"] == 1
    assert partner["reasons"] == {"refused": {"no-tls": 1}}
    assert (partner["sent"]["sent"], partner["sent"]["mutual"]) == (1, 1)
    (certificate,) = partner["certificates"]
    assert WOODGROVE in certificate["content"]["names"]
    assert "no-tls" in product.command("report").stdout


def test_nobody_but_root_and_the_daemon_reads_it(product: Product) -> None:
    """The history and what SQLite keeps beside it belong to the daemon's user alone."""
    run = product.lab.namespaces.run
    listing = run("find", STATE, "-name", "history.sqlite*", "-printf", "%m %u\n").stdout
    assert set(listing.splitlines()) == {"600 domain-secure"}
    done = run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat", HISTORY, check=False)
    assert done.returncode != 0


def test_verbose_for_one_partner_and_a_while(product: Product) -> None:
    """Without a restart the log has the reasoning, outbound Postfix's lines, until it ends by itself."""
    lab = product.lab
    product.command("log", "receive", "verbose", "--for", "1h", WOODGROVE)
    product.command("log", "send", "verbose", "--for", "1h", WOODGROVE)
    product.wait_for_log('log-levels-changed temporary="receive=verbose for woodgrovebank.test')
    product.wait_for_log("; send=verbose")
    product.kill()
    product.serve()
    at, before = len(product.log()), len(shown(product, "receive", "--since", "1d"))
    receive(lab, tls=True)
    lab.submit(lab.contoso, compose(OURS, PARTNER), sender=OURS, recipient=PARTNER)
    record = wait_for_records(product, before + 1, "receive", "--since", "1d")[-1]
    assert [one["method"] for one in record["findings"][0]["attempts"]] == ["pkix"]
    assert "Laboratory Authority" in record["certificates"][0]["issuer"]
    product.wait_for_log("attempt queue_id=", after=at)

    def delivery() -> dict[str, Any] | None:
        return next((one for one in shown(product, "send") if "lines" in one), None)

    sent = wait_for(delivery, "a verbose delivery", context=product.log)
    assert any("Verified TLS connection established" in line for line in sent["lines"])
    assert any(sent["queue_id"] in line and "status=sent" in line for line in sent["lines"])
    assert PARTNER not in json.dumps(sent)
    status = product.command("status").stdout
    assert "log receive    normal; verbose for woodgrovebank.test until " in status
    assert product.command("log", "receive", "normal").stdout == "receive: normal\n"
    product.command("log", "send", "verbose", "--for", "1s")
    wait_for(lambda: product.command("log", "send").stdout == "send: normal\n", "the temporary level to end")


def test_killed_in_the_middle_of_mail(product: Product) -> None:
    """What was shown before ``kill -9`` is there afterwards, and the history is in order and goes on."""
    lab = product.lab
    before = len(shown(product, "receive", "--since", "1d"))
    for _ in range(5):
        receive(lab, tls=False)
    kept = wait_for_records(product, before + 5, "receive", "--since", "1d")
    product.kill()
    product.serve()
    assert lab.namespaces.run(sys.executable, "-c", _CHECK, HISTORY).stdout == "ok\n"
    receive(lab, tls=False)
    after = wait_for_records(product, len(kept) + 1, "receive", "--since", "1d")
    assert after[: len(kept)] == kept


def test_read_while_the_daemon_is_away(product: Product) -> None:
    """Root reads a history that nobody writes, and leaves nothing behind that keeps the daemon out."""
    product.stop()
    before = len(shown(product, "receive", "--since", "1d"))
    product.serve()
    receive(product.lab, tls=False)
    wait_for_records(product, before + 1, "receive", "--since", "1d")


def test_a_history_of_another_user(product: Product) -> None:
    """A file that the daemon may not open, perhaps a copy put back, is set aside and a new one begun."""
    product.stop()
    product.lab.namespaces.run("chown", "root:root", HISTORY)
    at = len(product.log())
    product.serve()
    assert receive(product.lab, tls=False).code == 530
    product.wait_for_log("history-set-aside file=", after=at)
    wait_for_records(product, 1, "receive")


def test_followed_over_a_damaged_file(product: Product) -> None:
    """The history is damaged while it is followed: it is set aside, mail is judged, following goes on."""
    lab = product.lab
    output = lab.namespaces.outside("/run/lab/followed")
    process = lab.namespaces.start(
        COMMAND, "--config", CONFIGURATION, "log", "show", "--follow", "--last", "1", output=output
    )
    wait_for(lambda: "let in" in output.read_text() or "refused" in output.read_text(), "the last record")
    product.kill()
    lab.namespaces.outside(HISTORY).write_bytes(b"this is no database" * 1000)
    at = len(product.log())
    product.serve()
    assert receive(lab, tls=False, source=NOBODY).code == 530
    product.wait_for_log("history-set-aside file=", after=at)
    wait_for(lambda: f"[{NOBODY}]" in output.read_text(), "the message after it", context=product.log)
    process.signal(signal.SIGTERM)
    process.wait(DEADLINE)
    assert lab.namespaces.outside(f"{HISTORY}.set-aside").exists()


def test_what_if(product: Product) -> None:
    """Under another file the recorded pass would have been refused, and the files stay as they are."""
    lab = product.lab
    receive(lab, tls=True)
    wait_for_records(product, 1, "--verdict", "pass")
    new = Path("/run/lab/new.toml")
    outside = lab.namespaces.outside
    text = outside(CONFIGURATION).read_text()
    outside(new).write_text(
        f'{text}\n[partner."{WOODGROVE}"]\nnames = ["gateway.test"]\nmethods = ["pkix"]\n'
    )
    done = product.lab.namespaces.run(COMMAND, "whatif", "--config", new, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "let in (pass) → refused (name-mismatch)" in done.stdout
    assert product.command("whatif").returncode == 0


def test_a_full_disk(own_lab: Lab) -> None:
    """With no room left mail is judged as ever, the loss is said and counted, and it goes on afterwards."""
    product = Product(own_lab)
    run = own_lab.namespaces.run
    run("mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", STATE)
    run("chown", "domain-secure:domain-secure", STATE)
    product.install(WOODGROVE)
    assert receive(own_lab, tls=True).code == 250
    wait_for_records(product, 1)
    run("dd", "if=/dev/zero", f"of={STATE}/filler", "bs=4096", "count=10000", check=False)
    lost = 'domain_secure_records_lost_total{where="history"}'

    def loses() -> bool:
        assert receive(own_lab, tls=True).code == 250
        return product.metrics()[lost] > 0

    wait_for(loses, "records to be lost", context=product.log)
    assert product.log().count("history-failed") == 1
    run("rm", f"{STATE}/filler")

    def resumed() -> bool:
        assert receive(own_lab, tls=True).code == 250
        return "history-resumed" in product.log()

    wait_for(resumed, "the history to go on", context=product.log)
    assert shown(product)


def test_a_report_can_be_checked(own_product: Product) -> None:
    """A report of the daemon's history names its configuration, and is found again; another's is not."""
    product = own_product
    receive(product.lab, tls=True)
    wait_for_records(product, 1)
    report = STATE / "report.json"
    product.command("report", "--json", "--out", str(report))
    document = json.loads(product.lab.namespaces.outside(report).read_text())
    (present,) = document["configurations"]
    configuration = product.lab.namespaces.outside(CONFIGURATION)
    assert present["files"][str(CONFIGURATION)] == hashlib.sha256(configuration.read_bytes()).hexdigest()
    assert document["partners"][0]["certificates"][0]["passed"] == 1
    assert [one["what"][:17] for one in document["not_known"]] == ["the configuration"]

    product.command("receive", "add", NEW)
    wait_for(
        lambda: len(json.loads(product.command("report", "--json").stdout)["configurations"]) == 2,
        "the new configuration",
        context=product.log,
    )
    assert "unchanged since it was made" in product.command("report", "--verify", str(report)).stdout
    outside = product.lab.namespaces.outside(report)
    outside.write_text(outside.read_text().replace('"passed": 1', '"passed": 15'))
    done = product.command("report", "--verify", str(report), check=False)
    assert done.returncode == 1
    assert "CHANGED since it was made" in done.stdout
