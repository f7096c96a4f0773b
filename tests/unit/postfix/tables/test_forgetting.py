"""Who may still go by what the tables said before."""

from domain_secure.postfix.instance.running import Delivery, Moment, Process
from domain_secure.postfix.tables.forgetting import InPlace, begun_before, remembering

NOW = Moment.now()
IN_PLACE = InPlace(policies=Moment(NOW.boot, 100.0), routes=Moment(NOW.boot, 101.0))


def test_who_routes_and_ran_before_remembers() -> None:
    """The queue manager and trivial-rewrite(8), until they have started after the routes were in place."""
    old, new = Process(1, "qmgr", 100.99), Process(2, "qmgr", 101.5)
    rewrite, smtp = Process(3, "trivial-rewrite", 50.0), Process(4, "smtp", 50.0)
    assert remembering([old, new, rewrite, smtp], IN_PLACE) == (old, rewrite)


def test_the_same_hundredth_of_a_second_is_before() -> None:
    """The kernel rounds the start of a process down."""
    assert remembering([Process(1, "qmgr", 101.0)], IN_PLACE)


def test_nobody_remembers_what_was_before_the_machine_started() -> None:
    """Tables of before a reboot are older than whoever runs, however long each of both has been up."""
    before = InPlace(Moment("another", 1e9), Moment("another", 1e9))
    assert remembering([Process(1, "qmgr", 10.0)], before) == ()


def test_deliveries_that_may_have_begun_before() -> None:
    """Those of an agent that has started before the policies, or before the queue manager of now."""
    manager = Process(1, "qmgr", 102.0)
    policies, routes, after = (
        Process(number, "smtp", at) for number, at in ((2, 99.0), (3, 101.9), (4, 102.1))
    )
    under_way = [Delivery(process, "4F2C") for process in (policies, routes, after)]
    assert {one.process for one in begun_before(under_way, [manager], IN_PLACE)} == {policies, routes}
    assert begun_before(under_way, [], IN_PLACE) == set(under_way)
