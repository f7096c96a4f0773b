"""The pages that people look at, whose modules are imported when somebody does.

A daemon at which nobody looks does not pay for them in memory, nor in the time of its start.  No decision
about mail needs any of it.

Owns: when they are imported.  What fails then is told to the browser and to the log, as any fault of a page,
and is tried again for the next who asks.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from domain_secure.milter.page.http_server import Render
from domain_secure.policy.configuration.configuration import Configuration

Current = Callable[[], Configuration]


def late_status_page(configuration: Current) -> Render:
    """Return what renders the status page."""
    return _StatusPage(configuration)


class _StatusPage:
    def __init__(self, configuration: Current) -> None:
        self._configuration = configuration

    @cached_property
    def _render(self) -> Render:
        from .pages import status_page  # noqa: PLC0415 - see above

        return status_page(self._configuration)

    def __call__(self, query: str) -> tuple[Mapping[str, str], bytes]:
        return self._render(query)


class FurtherPages(Mapping[str, Render]):
    """What else is served, by path."""

    def __init__(self, configuration: Current) -> None:
        self._configuration = configuration

    @cached_property
    def _pages(self) -> Mapping[str, Render]:
        from .pages import further_pages  # noqa: PLC0415 - see above

        return further_pages(self._configuration)

    def __getitem__(self, path: str) -> Render:
        return self._pages[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pages)

    def __len__(self) -> int:
        return len(self._pages)
