"""The two halves of what attach writes: how each goes into Postfix's files, and how it comes out again.

Must not know: how settings are chosen (``inbound_settings``, ``outbound_settings``), how text is edited.
Invariant: taking a half out gives back, byte for byte, the contents into which it was put; what others
changed meanwhile stays theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain_secure.postfix.instance import main_cf, master_cf
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.master_cf import Option
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from .attach_signs import (
    CLEANUP_SERVICE,
    INBOUND_COMMENT,
    OUTBOUND_COMMENT,
    TABLE_PARAMETERS,
    TLS_MANAGER_SERVICE,
    Signs,
    is_unmarking,
    is_unmarking_service,
    plain_options,
    text,
)
from .client_certificates import without_acting
from .contents import Contents
from .inbound_settings import InboundPlan
from .outbound_settings import ORIGINAL, ORIGINAL_TLS_MANAGER, TLS_MANAGER_OPTIONS, OutboundPlan


def with_inbound(contents: Contents, plan: InboundPlan) -> Contents:
    """Give the services their options, and add the clones of cleanup(8) where there are to be any."""
    master = contents.master
    for key, options in plan.options.items():
        master = master_cf.with_options(master, key.encode(), options, INBOUND_COMMENT)
    if plan.cleanup_options:
        name = CLEANUP_SERVICE.encode()
        master = master_cf.with_clone(master, b"cleanup/unix", name, plan.cleanup_options, INBOUND_COMMENT)
    for key, options in plan.unmarked.options.items():
        master = master_cf.with_options(master, key.encode(), options, INBOUND_COMMENT)
    for cleanup, clone in plan.unmarked.clones.items():
        original = clone.original.encode()
        master = master_cf.with_clone(master, original, cleanup.encode(), clone.options, INBOUND_COMMENT)
    return replace(contents, master=master)


def without_inbound(contents: Contents, signs: Signs) -> Contents:
    """Take the inbound half out.

    An option of ours began as a copy of the list that was in force.  Where it still is that copy, or holds
    what is in force now, it goes whole and nothing of others is lost; otherwise what others put in is left.
    """

    def left_of(options: Sequence[Option]) -> Mapping[Option, str | None]:
        """Return what is left of each option of ours in one service; None: nothing."""
        ours = {option: others for option in options if (others := signs.others_in(option)) is not None}
        left: dict[Option, str | None] = {}
        for option, others in ours.items():
            in_force = _in_force_without(option, options, contents)
            is_copy = signs.is_our_list(option) or others in (in_force, without_acting(", ".join(in_force)))
            left[option] = None if is_copy or not others else ", ".join(others)
        return left | dict.fromkeys(plain_options(options, ours))

    master = master_cf.without_options(contents.master, left_of)
    cleanups = {
        entry.key
        for entry in master_cf.entries(master)
        if is_unmarking_service(text(entry.fields[0].text)) or entry.key == f"{CLEANUP_SERVICE}/unix".encode()
    }
    master = master_cf.without_services(master, cleanups)
    return replace(contents, master=master_cf.without_comment(master, INBOUND_COMMENT))


def inbound_services(contents: Contents, signs: Signs) -> tuple[str, ...]:
    """Return the services that have options of ours, other than those that only bring no marks."""
    return tuple(
        text(entry.key)
        for entry in master_cf.entries(contents.master)
        if any(signs.others_in(option) is not None and not is_unmarking(option) for option in entry.options)
    )


def with_outbound(contents: Contents, plan: OutboundPlan) -> Contents:
    """Add the dedicated transport with its tlsmgr(8), and put our tables in front of the lists in main.cf."""
    main, master = contents.main, contents.master
    for original, name, options in (
        (ORIGINAL, TRANSPORT_SERVICE, plan.options),
        (ORIGINAL_TLS_MANAGER, TLS_MANAGER_SERVICE, TLS_MANAGER_OPTIONS),
    ):
        master = master_cf.with_clone(master, original.encode(), name.encode(), options, OUTBOUND_COMMENT)
    for parameter, element in plan.elements.items():
        main = main_cf.prepended(main, parameter.encode(), element.encode())
    return Contents(main, master)


def without_outbound(contents: Contents, signs: Signs) -> Contents:
    """Take the outbound half out."""
    parameters = {name.encode() for name in TABLE_PARAMETERS}
    services = {f"{name}/unix".encode() for name in (TRANSPORT_SERVICE, TLS_MANAGER_SERVICE)}
    main = main_cf.without(contents.main, parameters, signs.is_our_table)
    master = master_cf.without_services(contents.master, services)
    return Contents(main, master_cf.without_comment(master, OUTBOUND_COMMENT))


def has_outbound(contents: Contents, signs: Signs) -> bool:
    """Tell whether anything of the outbound half is there."""
    return without_outbound(contents, signs) != contents


def _in_force_without(ours: Option, options: Sequence[Option], contents: Contents) -> list[str]:
    """Return the list that the service would have without *ours*: of an option before it, or of main.cf."""
    before = [option.value for option in options if option.name == ours.name and option.end <= ours.start]
    return split_elements(text(before[-1] if before else main_cf.value(contents.main, ours.name) or b""))
