"""The doctor's question whether recipients written otherwise reach cleanup(8)'s rules of spelling.

Must not know: the rules; those are ``recipient_spelling``'s part.
Sources: postconf(5) receive_override_options, cleanup_service_name; smtpd(8), pickup(8), qmqpd(8).
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service
from domain_secure.postfix.tables.tables import Table, table_name

_RECEIVERS = frozenset({"smtpd", "pickup", "qmqpd"})
_PARAMETERS = (
    "virtual_alias_maps",
    "receive_override_options",
    "cleanup_service_name",
    "content_filter",
    "smtputf8_enable",
)


def check_spelling(configuration: Configuration, instance: PostfixInstance) -> Iterator[Finding]:
    """Yield each way in by which a listed domain in another spelling would not be recognised.

    What goes to a content filter first comes in again by another way.  Where main.cf does not name our table
    the question about attachment has told.  Raises Problem.
    """
    table = table_name("", configuration.state, Table.RECIPIENT_SPELLING)
    if not configuration.direct or table not in split_elements(instance.parameter("virtual_alias_maps")):
        return
    services = instance.services()
    cleaning = {one.name: one for one in services if one.program == "cleanup"}
    for service in services:
        if service.program in _RECEIVERS and (why := _gap(instance, service, cleaning, table)):
            yield Finding.error(
                "spelling-not-recognised",
                "mail for a listed domain that is written in other characters leaves without its TLS policy",
                f"{service.key}: {why}",
                f"let cleanup ask {table} there, or set smtputf8_enable = no",
            )


def _gap(instance: PostfixInstance, service: Service, cleaning: dict[str, Service], table: str) -> str | None:
    """Return why mail that *service* takes in does not meet our rules, or None."""
    values = instance.service_parameters(service, *_PARAMETERS)
    if values["content_filter"] or values["smtputf8_enable"] != "yes":
        return None
    if "no_address_mappings" in split_elements(values["receive_override_options"]):
        return f"receive_override_options = {values['receive_override_options']}, and no content_filter"
    cleanup = cleaning.get(values["cleanup_service_name"])
    if cleanup is None:
        return None  # Mail that comes in there stays in the queue.
    asked = instance.service_parameter(cleanup, "virtual_alias_maps")
    return None if table in split_elements(asked) else f"{cleanup.key}: virtual_alias_maps = {asked}"
