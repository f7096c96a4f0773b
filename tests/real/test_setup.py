"""``domain-secure setup``: from a stock main.cf to a secured message each way, and back."""

import json

import pytest

from lab.laboratory import ADDRESSES, CERTIFICATES, CONTOSO, WOODGROVE, Lab
from lab.messages import compose
from lab.product import Product

pytestmark = pytest.mark.real

CERTIFICATE_SETTINGS = ("smtpd_tls_cert_file", "smtpd_tls_key_file", "smtp_tls_chain_files")


def outcomes(printed: str) -> dict[str, str]:
    """Return what became of each step, by its name."""
    return {one["step"]: one["outcome"] for one in json.loads(printed)["steps"]}


def test_from_nothing_to_a_secured_message_and_back(own_lab: Lab) -> None:
    """It stops at what is missing, goes on when run again, and its own commands lead back byte for byte."""
    lab, product = own_lab, Product(own_lab)
    folder = lab.contoso.layout.configuration
    lab.namespaces.run("postconf", "-c", folder, "-X", *CERTIFICATE_SETTINGS)
    lab.contoso.reload()
    files = [lab.namespaces.outside(folder / name) for name in ("main.cf", "master.cf")]
    before = [file.read_bytes() for file in files]

    asked = product.command("setup", "--partner", WOODGROVE, check=False)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "nobody can be asked, and nothing was changed" in asked.stderr

    wish = ("setup", "--partner", WOODGROVE, "--cert", CERTIFICATES / f"{CONTOSO}.pem", "--yes")
    first = product.command(*wish, "--json", check=False)
    assert first.returncode == 1, first.stderr
    assert outcomes(first.stdout)["daemon"] == "not-done"
    assert "attach" not in outcomes(first.stdout)
    assert "domain-secure serve" in json.loads(first.stdout)["problem"]["fix"]

    product.serve()
    second = product.command(*wish)
    assert f"already so receive              {WOODGROVE} is on the receive list" in second.stdout
    assert "+  -o { smtpd_milters" in second.stdout
    assert "done       attach" in second.stdout
    third = product.command(*wish, "--json")
    assert set(outcomes(third.stdout).values()) == {"already", "done"}
    assert json.loads(third.stdout)["undo"] == []

    lab.contoso.reload()
    message = compose(f"admin@{WOODGROVE}", f"user@{CONTOSO}")
    reply = lab.send(
        lab.contoso,
        message,
        source=ADDRESSES[WOODGROVE],
        sender=f"admin@{WOODGROVE}",
        recipient=f"user@{CONTOSO}",
        tls=lab.client_context(lab.identities[WOODGROVE]),
    )
    assert reply.code == 250
    assert b"X-Domain-Secure: pass (woodgrovebank.test; pkix" in lab.contoso.wait_for_delivery(message.mark)
    message = compose(f"user@{CONTOSO}", f"admin@{WOODGROVE}")
    lab.submit(lab.contoso, message, sender=f"user@{CONTOSO}", recipient=f"admin@{WOODGROVE}")
    assert b"verified OK" in lab.woodgrove.wait_for_delivery(message.mark)
    lab.contoso.wait_for_log(r"postfix/domain-secure/smtp.*Verified TLS connection established")

    undo = [*json.loads(first.stdout)["undo"], "domain-secure detach"]
    for command in dict.fromkeys(reversed(undo)):
        program, *arguments = command.split()
        assert program == "domain-secure"
        product.command(*arguments)
    assert [file.read_bytes() for file in files] == before
    assert json.loads(product.command("receive", "list", "--json").stdout)["domains"] == []
    assert json.loads(product.command("send", "list", "--json").stdout)["domains"] == []


def test_nothing_weaker_is_chosen(own_lab: Lab) -> None:
    """A partner whose servers would not be trusted is not put on a list, and what is said is what to do."""
    product = Product(own_lab)
    product.configure(trust="\n", text="")
    stranger = own_lab.identities[CONTOSO]
    own_lab.present(own_lab.woodgrove, stranger)
    done = product.command("setup", "--partner", WOODGROVE, "--yes", check=False)
    assert done.returncode == 1
    assert f"mail to {WOODGROVE} would not be delivered (held)" in done.stderr
    assert "NOT DONE   probe" in done.stdout
    assert (
        "woodgrovebank" not in own_lab.namespaces.outside("/etc/domain-secure/domain-secure.toml").read_text()
    )
