"""The list that postqueue(1) prints."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.sending.patience import QueuedMessage, Waiting
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.queue import parse

LINE = (
    '{"queue_name": "deferred", "queue_id": "4F2C1A0B", "arrival_time": 1795600000, "message_size": 361, '
    '"forced_expire": false, "sender": "user@contoso.test", "recipients": [{"address": "a@x.test", '
    '"delay_reason": "Server certificate not verified"}, {"address": "b@x.test"}]}'
)


def test_one_message() -> None:
    """With a reason for each recipient who was tried."""
    assert parse(LINE) == QueuedMessage(
        "deferred",
        "4F2C1A0B",
        datetime.fromtimestamp(1795600000, UTC),
        "user@contoso.test",
        (Waiting("a@x.test", "Server certificate not verified"), Waiting("b@x.test", None)),
    )


@pytest.mark.parametrize("line", ["", "[]", "{}", LINE.replace("1795600000", '"x"'), LINE[:-2]])
def test_anything_else(line: str) -> None:
    """Is told, and nothing is given up."""
    with pytest.raises(Problem, match="not what postqueue"):
        parse(line)


@given(st.text(max_size=40))
def test_any_text(line: str) -> None:
    """Raises nothing else."""
    with pytest.raises(Problem):
        parse(line)
