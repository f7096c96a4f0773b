"""The two halves go in and come out again; Postfix is not asked."""

import pytest
from attach_place import STOCK_MASTER

from domain_secure.postfix.attach.attach_signs import Signs
from domain_secure.postfix.attach.contents import Contents
from domain_secure.postfix.attach.halves import (
    has_outbound,
    inbound_services,
    with_inbound,
    with_outbound,
    without_inbound,
    without_outbound,
)
from domain_secure.postfix.attach.inbound_settings import InboundPlan
from domain_secure.postfix.attach.outbound_settings import OutboundPlan

BARE = Contents(b"transport_maps = hash:/a\nsmtpd_milters = unix:a\n", STOCK_MASTER)
SIGNS = Signs(frozenset({"unix:d"}), frozenset({"/maps/transport"}))
INBOUND = InboundPlan(
    {"smtp/inet": {"smtpd_milters": "{ unix:d }, unix:a", "smtpd_tls_ask_ccert": "yes"}},
    {},
    ("unix:d",),
)
OUTBOUND = OutboundPlan({"smtp_tls_security_level": "secure"}, {"transport_maps": "hash:/maps/transport"})


def test_each_half_comes_out_as_it_went_in() -> None:
    """Whichever goes in or out first, taking both out gives the bare contents, and one leaves the other."""
    receiving, sending = with_inbound(BARE, INBOUND), with_outbound(BARE, OUTBOUND)
    for both in (with_outbound(receiving, OUTBOUND), with_inbound(sending, INBOUND)):
        assert inbound_services(both, SIGNS) == ("smtp/inet",)
        assert has_outbound(both, SIGNS)
        assert without_outbound(both, SIGNS) == receiving
        assert without_inbound(both, SIGNS) == sending
        assert without_inbound(without_outbound(both, SIGNS), SIGNS) == BARE
        assert without_outbound(without_inbound(both, SIGNS), SIGNS) == BARE


def test_bare_contents_have_nothing_to_take_out() -> None:
    """Neither half is seen in them."""
    assert without_inbound(BARE, SIGNS) == without_outbound(BARE, SIGNS) == BARE
    assert inbound_services(BARE, SIGNS) == ()
    assert not has_outbound(BARE, SIGNS)


@pytest.mark.parametrize(
    ("in_force", "values", "left"),
    [
        (b"unix:a", frozenset(), None),
        (b"unix:b", frozenset(), b"unix:a"),
        (b"unix:b", frozenset({"{ unix:d }, unix:a"}), None),
    ],
    ids=["what is in force", "what others put in", "what we wrote"],
)
def test_what_is_left_of_a_copy(in_force: bytes, values: frozenset[str], left: bytes | None) -> None:
    """A copy goes whole where the list goes on without it; what others put into it stays."""
    attached = with_inbound(BARE, INBOUND)
    changed = Contents(BARE.main.replace(b"unix:a", in_force), attached.master)
    option = b"" if left is None else b"\n  -o smtpd_milters=" + left
    expected = STOCK_MASTER.replace(b"smtpd\n#smtp", b"smtpd" + option + b"\n#smtp")
    assert without_inbound(changed, SIGNS | Signs(values=values)).master == expected
