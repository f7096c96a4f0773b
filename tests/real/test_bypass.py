"""A bypass lets mail through in both directions, marked as not secured, and ends whoever is dead by then."""

import json
import signal
from subprocess import CompletedProcess

import pytest

from lab.laboratory import CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose, header_lines
from lab.product import COMMAND, CONFIGURATION, STATE, Product
from lab.story import NOBODY
from lab.waiting import wait_for

pytestmark = pytest.mark.real

REASON = "their certificate ended today"
FOLDER = STATE / "bypass"
AUTHOR, OURS = f"anna@{WOODGROVE}", f"user@{CONTOSO}"
SECURE = "secure "


def bypass(product: Product, *options: str, check: bool = True) -> CompletedProcess[str]:
    """Run ``partner bypass`` about Woodgrove."""
    return product.command("partner", "bypass", WOODGROVE, *options, check=check)


def begin(product: Product, *options: str, check: bool = True) -> CompletedProcess[str]:
    """Begin a bypass of an hour."""
    return bypass(product, "--for", "1h", "--reason", REASON, *options, check=check)


def policy(lab: Lab) -> str:
    """Return the TLS policy for Woodgrove as the dedicated transport looks it up."""
    told = lab.namespaces.run("postconf", "-hP", "domain-secure/unix/smtp_tls_policy_maps")
    return lab.namespaces.run("postmap", "-q", WOODGROVE, told.stdout.split()[0], check=False).stdout.strip()


def forge(lab: Lab) -> tuple[int, str]:
    """Send mail in Woodgrove's name in the clear; return the reply code and the word of the message."""
    message = compose(AUTHOR, OURS)
    reply = lab.send(lab.contoso, message, source=NOBODY, sender=AUTHOR, recipient=OURS)
    return reply.code, message.mark


def submit(lab: Lab) -> str:
    """Send mail to Woodgrove, and return its word."""
    message = compose(OURS, AUTHOR)
    lab.submit(lab.contoso, message, sender=OURS, recipient=AUTHOR)
    return message.mark


def let_time_pass(product: Product) -> None:
    """Let two hours have been seen by some clock, which shows the former time again since."""
    folder = product.lab.namespaces.outside(FOLDER)
    begun = json.loads((folder / "in-force.json").read_text())["bypasses"]
    spent = {f"{one['domain']} {one['start']}": 7200.0 for one in begun}
    account = {"boot": "another", "seconds": 0.0, "spent": spent}
    (folder / "account.json").write_text(json.dumps(account))


def keepers(product: Product) -> list[str]:
    """Return the processes that wait for the end, as the laboratory counts."""
    pattern = "partner bypass --keep"
    return product.lab.namespaces.run("pgrep", "-f", pattern, check=False).stdout.split()


def is_over(product: Product) -> bool:
    """Tell whether nothing is in force any more, by the files."""
    return not product.lab.namespaces.outside(FOLDER / "in-force.json").exists()


def test_in_and_out_and_back(own_product: Product) -> None:
    """Mail that proves nothing is let in and leaves, marked and counted as not secured, until it is ended."""
    lab = own_product.lab
    assert forge(lab)[0] == 530
    assert "in force" in begin(own_product).stdout
    code, word = forge(lab)
    assert code == 250
    delivered = lab.contoso.wait_for_delivery(word)
    (mark,) = header_lines(delivered, "X-Domain-Secure")
    assert mark.startswith(f"fail ({WOODGROVE}; no-tls; none) by ")
    assert mark.endswith("; bypass")
    (result,) = header_lines(delivered, "Authentication-Results")
    assert "x-domain-secure=fail" in result
    assert "policy.bypass=yes" in result
    assert policy(lab) == "may"
    lab.present(lab.woodgrove, lab.identities[EVIL])
    lab.woodgrove.wait_for_delivery(submit(lab))
    own_product.wait_for_log("proof=unverified")
    metrics = own_product.metrics()
    assert metrics[f'domain_secure_bypass_messages_received_total{{domain="{WOODGROVE}"}}'] == 1
    wait_for(
        lambda: own_product.metrics().get(
            f'domain_secure_bypass_messages_sent_total{{domain="{WOODGROVE}"}}'
        ),
        "the message that was sent to be counted",
        context=own_product.log,
    )
    for direction in ("receive", "send"):
        series = f'domain_secure_bypass_end_timestamp_seconds{{direction="{direction}",domain="{WOODGROVE}"}}'
        assert series in metrics
    log = own_product.log()
    assert f"bypass-in-force domain={WOODGROVE} direction=both" in log
    assert "mode=bypass" in log
    assert "bypass=yes" in log
    assert "in force" in bypass(own_product, "--end").stdout
    assert forge(lab)[0] == 530
    assert policy(lab).startswith(SECURE)
    assert "already so" in bypass(own_product, "--end").stdout
    assert not any("bypass_end_timestamp" in name for name in own_product.metrics())


def test_over_while_the_daemon_is_dead(own_product: Product) -> None:
    """Nobody answers Postfix: what comes in waits, and what goes out is proved again after the end."""
    lab = own_product.lab
    begin(own_product)
    own_product.kill()
    assert forge(lab)[0] == 451
    assert policy(lab) == "may"
    let_time_pass(own_product)
    wait_for(lambda: is_over(own_product), "the end of the bypass")
    assert policy(lab).startswith(SECURE)
    wait_for(lambda: not keepers(own_product), "nobody to wait any more")
    lab.present(lab.woodgrove, lab.identities[EVIL])
    # Without the daemon nobody may submit over SMTP either.
    lab.namespaces.run("sendmail", "-f", OURS, AUTHOR, standard_input=compose(OURS, AUTHOR).content.decode())
    lab.contoso.wait_for_log(rf"to=<{AUTHOR}>.*status=deferred \(Server certificate not verified\)")
    own_product.serve()
    assert forge(lab)[0] == 530
    former = json.loads(own_product.command("partner", "bypass", "--json").stdout)
    assert (former["bypasses"], [one["reason"] for one in former["former"]]) == ([], [REASON])


def test_over_while_the_daemon_lives_and_the_keeper_is_killed(own_product: Product) -> None:
    """The daemon alone ends both directions."""
    lab = own_product.lab
    begin(own_product)
    for one in keepers(own_product):
        lab.namespaces.run("kill", f"-{signal.SIGKILL}", one)
    assert "bypass-not-kept" in own_product.command("check", check=False).stdout
    let_time_pass(own_product)
    own_product.wait_for_log("bypass-over")
    wait_for(lambda: policy(lab).startswith(SECURE), "the tables without the bypass")
    assert forge(lab)[0] == 530


def test_both_killed(own_product: Product) -> None:
    """Then the tables stay as they are, which ``check`` says; whoever of both comes first ends it."""
    lab = own_product.lab
    begin(own_product)
    own_product.kill()
    for one in keepers(own_product):
        lab.namespaces.run("kill", f"-{signal.SIGKILL}", one)
    let_time_pass(own_product)
    assert "bypass-not-ended" in own_product.command("check", check=False).stdout
    lab.namespaces.run(COMMAND, "--config", CONFIGURATION, "partner", "bypass", "--keep")
    assert policy(lab).startswith(SECURE)
    assert is_over(own_product)


def test_over_although_the_configuration_is_faulty_by_then(own_product: Product) -> None:
    """What somebody does to the configuration meanwhile does not let it go on."""
    lab = own_product.lab
    begin(own_product)
    text = own_product.text()
    own_product.write(f"{text}\nnonsense = 1\n")
    let_time_pass(own_product)
    wait_for(lambda: is_over(own_product), "the end of the bypass")
    own_product.wait_for_log("bypass-over")
    assert policy(lab).startswith(SECURE)
    assert forge(lab)[0] == 530


def test_one_direction(own_product: Product) -> None:
    """A bypass for one direction leaves the other one as it was; another partner's mail is never touched."""
    lab = own_product.lab
    begin(own_product, "--direction", "send")
    assert policy(lab) == "may"
    assert forge(lab)[0] == 530
    bypass(own_product, "--end")
    begin(own_product, "--direction", "receive", "--again")
    assert policy(lab).startswith(SECURE)
    assert forge(lab)[0] == 250


def test_what_is_refused(own_product: Product) -> None:
    """More than a day, one right after another, no reason, nobody's domain: nothing is begun."""
    for options, words in (
        (("--for", "25h", "--reason", REASON), "24 h at most"),
        (("--for", "1h"), "needs a reason"),
        (("--for", "soon", "--reason", REASON), "is not a number with"),
    ):
        done = bypass(own_product, *options, check=False)
        assert done.returncode != 0
        assert words in done.stderr
    done = own_product.command(
        "partner", "bypass", "woodgrovebank.tset", "--for", "1h", "--reason", REASON, check=False
    )
    assert done.returncode == 1
    assert "is on no list" in done.stderr
    assert is_over(own_product)
    begin(own_product)
    assert "lasts 24 h at most" in bypass(own_product, "--for", "24h", "--reason", "more", check=False).stderr
    bypass(own_product, "--end")
    done = begin(own_product, check=False)
    assert done.returncode == 1
    assert "less than 24 h ago" in done.stderr
    assert f"{WOODGROVE}: bypass 2 in 30 days" in begin(own_product, "--again").stdout


def test_named_everywhere(own_product: Product) -> None:
    """Every command that shows the partner's state names the bypass."""
    begin(own_product)
    for command in (
        ("status",),
        ("status", WOODGROVE),
        ("partner", "show", WOODGROVE),
        ("report",),
        ("check",),
    ):
        assert REASON in own_product.command(*command, check=False).stdout, command
    status = json.loads(own_product.command("status", "--json", check=False).stdout)
    assert [one["domain"] for one in status["bypasses"]] == [WOODGROVE]
    assert "bypass" in own_product.page()
    assert own_product.health()["bypasses"][0]["reason"] == REASON
