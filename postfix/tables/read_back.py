"""Whether the tables Postfix looks into hold what a configuration wants, asked of the disk and not of memory.

Owns: that comparison.  Must not know: who wants to know.
"""

from itertools import islice

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.instance.programs import PostfixInstance

from .publication import Job, current
from .tables import Table

_EVERY_LINE = 2000  #: of a table are looked up; of a longer one those at its start and as many spread over it


def tables_hold(configuration: Configuration, instance: PostfixInstance) -> bool:
    """Tell whether the compiled tables in place answer as *configuration* wants; raises Problem.

    The record of what was put in place must fit, files and all, and lookups as Postfix makes them must give
    the lines' values.
    """
    job = Job.of(configuration, instance)
    if current(job) is None:
        return False
    for table in Table:
        wanted = dict(_sample(job, table))
        name = f"{job.type_of(table)}:{job.live(table)[0]}"
        if instance.query(name, wanted or ["a.test"]) != wanted:
            return False
    return True


def _sample(job: Job, table: Table) -> list[tuple[str, str]]:
    expected = job.expected(table)
    head = list(islice(job.samples(table), _EVERY_LINE))
    if expected <= _EVERY_LINE:
        return head
    return head + list(islice(job.samples(table), 0, None, expected // _EVERY_LINE))
