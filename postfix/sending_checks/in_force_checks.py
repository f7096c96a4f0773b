"""The doctor's question whether what is in place is what Postfix goes by.

Must not know: what is in place.
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.attach.routes_record import path_of
from domain_secure.postfix.attach.unforgotten import FIX, unforgotten
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.programs import PostfixInstance


def check_in_force(configuration: Configuration, instance: PostfixInstance) -> Iterator[Finding]:
    """Find former routes that Postfix may still go by."""
    found = unforgotten(configuration, instance)
    if found is None:
        return
    if found.is_certain:
        yield Finding.error(
            "not-in-force",
            "mail may still go by former routes, past the send list as it is now",
            found.detail,
            FIX,
        )
    else:
        place = f"{path_of(configuration)}: {found.detail}"
        yield Finding.not_looked_at("whether Postfix has forgotten former routes", place, FIX)
