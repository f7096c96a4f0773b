"""Mail gateways whose certificates are shared by many organisations.

Owns: the names under which they are known, each with a source.
Must not decide: what follows; a certificate of such a gateway proves the gateway, and never which of its
customers a message is from.

A name stands for itself and all hosts under it.  To add one: a page of the operator, or one that shows the
certificate or the MX records of customers.
"""

from dataclasses import dataclass

from domain_secure.policy.terms.domain import Domain, lies_under


@dataclass(frozen=True, slots=True)
class Gateway:
    """A service that sends and receives mail for many organisations under names of its own."""

    service: str
    names: tuple[Domain, ...]
    sources: tuple[str, ...]


GATEWAYS = (
    Gateway(
        "Microsoft Exchange Online",
        (
            Domain("protection.outlook.com"),
            Domain("eo.outlook.com"),
            Domain("messaging.microsoft.com"),
            Domain("mx.microsoft"),
        ),
        (
            "https://blogs.technet.microsoft.com/eopfieldnotes/2014/06/06/tls-connectors-and-you/",
            "https://www.davidmarker.com/posts/mx-microsoft/",
        ),
    ),
    Gateway(
        "Google Workspace",
        (Domain("google.com"),),
        ("https://intodns.ai/citations/google-workspace-mx-records",),
    ),
    Gateway(
        "Mimecast",
        (Domain("mimecast.com"),),
        ("https://www.captaindns.com/en/blog/mimecast-secure-email-gateway",),
    ),
    Gateway(
        "Proofpoint",
        (Domain("pphosted.com"),),
        ("https://www.captaindns.com/en/blog/proofpoint-secure-email-gateway",),
    ),
    Gateway(
        "Proofpoint Essentials",
        (Domain("ppe-hosted.com"),),
        (
            (
                "https://excelmicro.kayako.com/en-us/article/"
                "48-setup-step-3-firewall-lockdown-options-for-email-ldap-discovery"
            ),
        ),
    ),
    Gateway(
        "Cisco Secure Email",
        (Domain("iphmx.com"), Domain("etd.cisco.com")),
        (
            "https://www.captaindns.com/en/blog/cisco-secure-email-gateway",
            (
                "https://docs.cmd.cisco.com/en/Content/secure-email-threat-defense-user-guide/"
                "Setup%20SMTP/Set%20up%20Your%20Message%20Source/SMTP.htm"
            ),
        ),
    ),
    Gateway(
        "Barracuda Email Gateway Defense",
        (Domain("ess.barracudanetworks.com"),),
        ("https://www.captaindns.com/en/blog/barracuda-secure-email-gateway",),
    ),
    Gateway(
        "Symantec Email Security.cloud",
        (Domain("messagelabs.com"),),
        ("https://knowledge.broadcom.com/external/article/254105/email-securitycloud.html",),
    ),
)


def shared_gateway(name: Domain) -> Gateway | None:
    """Return the gateway that a certificate accepted for *name* may belong to, or None.

    That is so for a name of it, for a host under one, and for a domain that has one under it.
    """
    for gateway in GATEWAYS:
        if any(name == one or lies_under(name, one) or lies_under(one, name) for one in gateway.names):
            return gateway
    return None
