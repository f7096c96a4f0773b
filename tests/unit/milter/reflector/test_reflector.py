"""What a letter that is not answered is told."""

import pytest

from domain_secure.milter.reflector.reflector import _Outcome, _reply
from domain_secure.policy.reflector.reason import Reason

PAGE = "https://contoso.test/refused"


@pytest.mark.parametrize("reason", [one for one in Reason if one not in {Reason.ANSWERED, Reason.DUPLICATE}])
def test_every_refusal_names_the_page_where_there_is_one(reason: Reason) -> None:
    """With its word as fragment, as all replies do."""
    named = _reply(_Outcome(reason, "why"), "Q1", PAGE)
    plain = _reply(_Outcome(reason, "why"), "Q1", None)
    assert named is not None
    assert plain is not None
    tail = f" (reflector-{reason}) [ref Q1]"
    assert named.text == f"{plain.text.removesuffix(tail)}; see {PAGE}#reflector-{reason}{tail}"
