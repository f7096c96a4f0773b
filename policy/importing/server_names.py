"""Domains that are meant by the names of servers.

Sendmail and Exim ask who a server is by its host's name, as DNS says it; we ask by the domain that mail is to
or from.  Owns: where one may be taken for the other.
"""

from domain_secure.policy.terms.domain import Domain, InvalidDomainError, is_public_suffix, parse_domain


def organisation(text: str) -> Domain | None:
    """Return the domain that *text* is where an organisation can have registered it as such, else None.

    ``woodgrovebank.test`` stands for its servers' names and its addresses alike; whose mail
    ``mail.woodgrovebank.test`` takes nobody can tell here.
    """
    try:
        name = parse_domain(text)
    except InvalidDomainError:
        return None
    parent = Domain(name.partition(".")[2])
    return name if parent and is_public_suffix(parent) and not is_public_suffix(name) else None


def by_server(direction: str, server: str) -> str:
    """Return what is to be done for the domains behind a server."""
    if direction == "receive":
        return (
            f"the name of a client and not of a sender's domain: `domain-secure receive add DOMAIN` for each "
            f"domain that sends by {server}"
        )
    return (
        f"the name of a server and not of a recipient's domain: for each domain whose MX host is {server}, "
        "`domain-secure send add DOMAIN`, with `mx` where the certificate has another name"
    )
