"""The sheet for a partner: what it says holds, and each of its commands does what it is for."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab.laboratory import AUTHORITY_FILE, CERTIFICATES, CONTOSO, WOODGROVE
from lab.product import Product

pytestmark = pytest.mark.real

WORK = Path("/run/lab/invited")


def test_the_commands_of_the_sheet_show_what_it_says(product: Product) -> None:
    """Woodgrove's administrator types them beside its own certificate, as the sheet names the files."""
    run = product.lab.namespaces.run
    facts: dict[str, Any] = json.loads(product.command("partner", "invite", WOODGROVE, "--json").stdout)
    (shown,) = facts["server_certificates"]
    assert facts["our_domains"] == [CONTOSO]
    assert facts["mx"] == [f"mail.{CONTOSO}"]
    assert shown["spki_sha256"] == facts["client_certificates"][0]["spki_sha256"]
    run("mkdir", "-p", WORK)
    run("cp", AUTHORITY_FILE, WORK / "AUTHORITIES.pem")
    for name in ("CLIENT.pem", "CLIENT.key"):
        run("cp", CERTIFICATES / f"{WOODGROVE}.pem", WORK / name)
    said = {}
    for one in facts["commands"]:
        done = run("sh", "-c", f"cd {WORK} && {one['command']}")
        said[one["key"]] = done.stdout + done.stderr
    assert shown["sha256"].removeprefix("sha256:") in said["test_digest"].replace(":", "").lower()
    assert shown["spki_sha256"].removeprefix("spki-sha256:") in said["test_key"]
    assert "Verify return code: 0 (ok)" in said["test_mutual"]
    assert "Verified TLS connection established" in said["test_posttls"]


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_each_sheet_is_printed(product: Product, language: str, form: str) -> None:
    """On a real edge, with what Postfix shows, and under the locale of a service."""
    printed = product.command("partner", "invite", WOODGROVE, "--language", language, "--format", form)
    assert f"mail.{CONTOSO}" in printed.stdout.replace("\\", "")
    assert "{" not in printed.stdout or form == "html"
