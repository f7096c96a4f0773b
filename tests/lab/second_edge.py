"""Another edge of Contoso's: a Postfix of its own at an address of its own, and the product beside it.

Owns: how a second edge stands beside the first in one laboratory, and their names in DNS.
"""

from ipaddress import ip_address
from pathlib import Path

from .laboratory import ADDRESSES, AUTHORITY_FILE, CERTIFICATES, CONTOSO, Lab
from .postfix_host import PostfixHost, separate_host
from .product import Place, Product

FIRST, SECOND = f"mail1.{CONTOSO}", f"mail2.{CONTOSO}"
SECOND_ADDRESS = "192.0.2.11"
SECOND_PLACE = Place(
    configuration=Path("/etc/domain-secure-2/domain-secure.toml"),
    state=Path("/run/lab/domain-secure-2"),
    log=Path("/var/log/domain-secure-2.log"),
    notify=Path("/run/lab/notify-2"),
    metrics_port=9798,
)


def two_edges(lab: Lab) -> tuple[Product, Product]:
    """Return Contoso's two edges, mail1 and mail2, with nothing attached and no daemon yet.

    Both take mail for Contoso, and each shows the laboratory's first certificate of Contoso's.
    """
    lab.namespaces.add_address(SECOND_ADDRESS)
    for name, address in ((FIRST, ADDRESSES[CONTOSO]), (SECOND, SECOND_ADDRESS)):
        lab.dns.add(f"{CONTOSO}. MX 10 {name}.", f"{name}. A {address}")
    lab.dns.add(f"{ip_address(SECOND_ADDRESS).reverse_pointer}. PTR {SECOND}.")
    lab.contoso.configure(myhostname=FIRST)
    lab.contoso.reload()
    second = second_host(lab)
    second.start()
    return Product(lab), Product(lab, second, SECOND_PLACE)


def second_host(lab: Lab) -> PostfixHost:
    """Return the second Postfix, which does not run yet."""
    chain = str(CERTIFICATES / f"{CONTOSO}.pem")
    return separate_host(
        lab.namespaces,
        CONTOSO,
        SECOND_ADDRESS,
        {
            "myhostname": SECOND,
            "smtpd_tls_chain_files": chain,
            "smtp_tls_chain_files": chain,
            "smtp_tls_CAfile": str(AUTHORITY_FILE),
            "smtp_tls_loglevel": "1",
            "smtpd_tls_loglevel": "1",
        },
    )
