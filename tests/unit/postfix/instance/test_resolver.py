"""Whose settings decide on routes."""

import shutil

import pytest
from attach_place import Place

from domain_secure.postfix.instance.resolver import resolver, resolver_parameters

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

MASTER = b"qmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\n"


def test_the_resolver_is_the_one_that_the_queue_manager_asks(place: Place) -> None:
    """Its own options count, and main.cf where it has none."""
    place.write(place.stock_main + b"relayhost = main.test\n", MASTER)
    assert resolver_parameters(place.instance, "relayhost") == {"relayhost": "main.test"}
    place.replace("master.cf", b"trivial-rewrite\n", b"trivial-rewrite -o relayhost=own.test\n")
    assert resolver_parameters(place.instance, "relayhost") == {"relayhost": "own.test"}
    place.replace("master.cf", b"1 qmgr\n", b"1 qmgr -o rewrite_service_name=others\n")
    # Mail stays in the queue.
    assert resolver(place.instance) is None
    assert resolver_parameters(place.instance, "relayhost") == {"relayhost": "main.test"}
