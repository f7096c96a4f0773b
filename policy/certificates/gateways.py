"""Mail gateways whose certificates are shared by many organisations.

Owns: the names under which they are known, and what their certificates say, each with a source and its date.
Must not decide: what follows; a certificate of such a gateway proves the gateway, and never which of its
customers a message is from.

A name stands for itself and all hosts under it.  To add one: a page of the operator, or one that shows the
certificate or the MX records of customers.
"""

from dataclasses import dataclass

from domain_secure.policy.terms.domain import Domain, lies_under, parse_domain


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact stands."""

    url: str
    date: str | None  #: ISO 8601, of the certificate or message shown, else of the page; None: it has none
    says: str


@dataclass(frozen=True, slots=True)
class Presented:
    """The DNS names in a gateway's certificates, as presented; by direction, for they may differ."""

    as_client: tuple[str, ...]  #: when it delivers mail of its customers
    as_server: tuple[str, ...]  #: of the MX hosts of its customers

    @property
    def receive_names(self) -> tuple[Domain, ...]:
        """Return the least ``receive_names`` of a partner that match them."""
        return _bases(self.as_client)

    @property
    def send_names(self) -> tuple[Domain, ...]:
        """Return the least ``send_names`` of a partner that match them."""
        return _bases(self.as_server)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A service that sends and receives mail for many organisations under names of its own."""

    word: str  #: for the command line
    service: str
    names: tuple[Domain, ...]  #: its hosts, and what its certificates name
    sources: tuple[Source, ...]
    presented: Presented | None = None  #: None: not known well enough for a recipe

    def owns(self, host: Domain) -> bool:
        """Tell whether a host is one of the gateway."""
        return any(host == one or lies_under(host, one) for one in self.names)


GATEWAYS = (
    Gateway(
        "exchange-online",
        "Microsoft Exchange Online",
        (
            Domain("protection.outlook.com"),
            Domain("eo.outlook.com"),
            Domain("messaging.microsoft.com"),
            Domain("mx.microsoft"),
        ),
        (
            Source(
                "https://lore.kernel.org/all/alBOC18CpkGDhM2m@vbox/",
                "2026-07-10",
                "a Postfix took a message from a host under outbound.protection.outlook.com, which showed a "
                "client certificate named mail.protection.outlook.com (Received field)",
            ),
            Source(
                "https://learn.microsoft.com/en-us/archive/blogs/eopfieldnotes/tls-connectors-and-you",
                "2014-09-03",
                "the names in that certificate, *.mail.protection.outlook.com among them",
            ),
            Source(
                "https://github.com/MicrosoftDocs/microsoft-365-docs/blob/public/microsoft-365/compliance/"
                "exchange-online-uses-tls-to-secure-email-connections.md",
                "2018-09-03",
                "the certificate name to give to partners: mail.protection.outlook.com",
            ),
            Source(
                "https://techcommunity.microsoft.com/t5/exchange-team-blog/"
                "implementing-inbound-smtp-dane-with-dnssec-for-exchange-online/ba-p/3939694",
                "2024-07-17",
                "MX hosts of further domains lie under mx.microsoft",
            ),
            Source(
                "https://www.davidmarker.com/posts/mx-microsoft/",
                None,
                "an MX record under mx.microsoft",
            ),
        ),
        Presented(
            ("mail.protection.outlook.com", "*.mail.protection.outlook.com"),
            ("mail.protection.outlook.com", "*.mail.protection.outlook.com", "*.mx.microsoft"),
        ),
    ),
    Gateway(
        "google-workspace",
        "Google Workspace",
        (Domain("google.com"), Domain("smtp.gmail.com"), Domain("googlemail.com"), Domain("smtp.goog")),
        (
            Source(
                "https://lists.debian.org/msgid-search/78BDDF6A-1FC7-4DD7-AABF-E0B055772CBF@gmail.com",
                "2024-07-04",
                "a Postfix took a message from mail-wr1-x42f.google.com, which showed a client certificate "
                "named smtp.gmail.com (Received field)",
            ),
            Source(
                "https://serverfault.com/questions/1162610/",
                "2024-06-24",
                "the certificate of an MX host, named mx.google.com",
            ),
            Source(
                "https://support.google.com/a/answer/6180220",
                None,
                "certificates are shared across hosts; aspmx.l.google.com for mail that comes in",
            ),
            Source(
                "https://intodns.ai/citations/google-workspace-mx-records",
                "2026-06",
                "the MX records: smtp.google.com, or aspmx.l.google.com and others",
            ),
        ),
        Presented(("smtp.gmail.com",), ("mx.google.com", "smtp.google.com", "aspmx.l.google.com")),
    ),
    Gateway(
        "mimecast",
        "Mimecast",
        (Domain("mimecast.com"),),
        (
            Source(
                "https://mimecastsupport.zendesk.com/hc/en-us/articles/"
                "34000358773523-Connect-Process-Microsoft-365-Mail-Lockdown",
                None,
                "receivers demand the certificate name *.mimecast.com of what Mimecast delivers",
            ),
            Source(
                "https://www.captaindns.com/en/blog/mimecast-secure-email-gateway",
                None,
                "the MX records of customers, under mimecast.com",
            ),
        ),
        Presented(("*.mimecast.com",), ("*.mimecast.com",)),
    ),
    Gateway(
        "proofpoint",
        "Proofpoint",
        (Domain("pphosted.com"),),
        (
            Source(
                "https://lists.debian.org/msgid-search/20260706155744.1399153-1-yun.zhou@windriver.com",
                "2026-07-06",
                "a Postfix took a message from mx0b-0064b401.pphosted.com, which showed a client certificate "
                "named *.pphosted.com (Received field)",
            ),
            Source(
                "https://www.captaindns.com/en/blog/proofpoint-secure-email-gateway",
                None,
                "the MX records of customers, under pphosted.com",
            ),
        ),
        Presented(("*.pphosted.com",), ("*.pphosted.com",)),
    ),
    Gateway(
        "proofpoint-essentials",
        "Proofpoint Essentials",
        (Domain("ppe-hosted.com"),),
        (
            Source(
                "https://excelmicro.kayako.com/en-us/article/"
                "48-setup-step-3-firewall-lockdown-options-for-email-ldap-discovery",
                None,
                "the MX records of customers, under ppe-hosted.com",
            ),
        ),
    ),
    Gateway(
        "cisco-secure-email",
        "Cisco Secure Email",
        (Domain("iphmx.com"), Domain("etd.cisco.com")),
        (
            Source(
                "https://www.captaindns.com/en/blog/cisco-secure-email-gateway",
                None,
                "the MX records of customers, under iphmx.com",
            ),
            Source(
                "https://docs.cmd.cisco.com/en/Content/secure-email-threat-defense-user-guide/"
                "Setup%20SMTP/Set%20up%20Your%20Message%20Source/SMTP.htm",
                None,
                "hosts under etd.cisco.com",
            ),
        ),
    ),
    Gateway(
        "barracuda",
        "Barracuda Email Gateway Defense",
        (Domain("ess.barracudanetworks.com"),),
        (
            Source(
                "https://www.captaindns.com/en/blog/barracuda-secure-email-gateway",
                None,
                "the MX records of customers, under ess.barracudanetworks.com",
            ),
        ),
    ),
    Gateway(
        "symantec",
        "Symantec Email Security.cloud",
        (Domain("messagelabs.com"),),
        (
            Source(
                "https://knowledge.broadcom.com/external/article/254105/email-securitycloud.html",
                None,
                "the MX records of customers, under messagelabs.com",
            ),
        ),
    ),
)

RECIPES = {one.word: one.presented for one in GATEWAYS if one.presented is not None}
"""What is presented by those gateways whose certificates are known, by their word."""


def shared_gateway(name: Domain) -> Gateway | None:
    """Return the gateway that a certificate accepted for *name* may belong to, or None.

    That is so for a name of it, for a host under one, and for a domain that has one under it.
    """
    for gateway in GATEWAYS:
        if gateway.owns(name) or any(lies_under(one, name) for one in gateway.names):
            return gateway
    return None


def gateway_of_host(host: Domain) -> Gateway | None:
    """Return the gateway that a mail server is one of, or None."""
    return next((gateway for gateway in GATEWAYS if gateway.owns(host)), None)


def _bases(presented: tuple[str, ...]) -> tuple[Domain, ...]:
    names = dict.fromkeys(parse_domain(name.removeprefix("*.")) for name in presented)
    return tuple(name for name in names if not any(lies_under(name, other) for other in names))
