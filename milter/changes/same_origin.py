"""Whether a request that changes something came from our own page.

Sources: RFC 6454 section 7 (Origin); Fetch Metadata Request Headers (Sec-Fetch-Site).  A browser sends the
credentials it knows to us whoever made it ask; these two headers no page of others can forge.
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

FORM = "application/x-www-form-urlencoded"


def foreign(headers: Mapping[str, str], names: Iterable[str], *, is_tls: bool) -> str | None:
    """Return why a request is not known to be of our page; None: it is.

    headers: of the request, by lower-case name.  names: under which we are called, besides loopback.
    """
    host = headers.get("host", "").lower()
    if not _is_ours(host, {"localhost", *names}):
        return "it asks for a name that is not ours"
    try:
        origin = urlsplit(headers.get("origin", ""))
    except ValueError:  # brackets without an address between them
        return "it does not come from this page (Origin)"
    # A proxy in front of us may speak TLS where we do not, and never the other way round.
    if origin.scheme not in ({"https"} if is_tls else {"https", "http"}) or origin.netloc.lower() != host:
        return "it does not come from this page (Origin)"
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "it does not come from this page (Sec-Fetch-Site)"
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return "it is not a form of this page (Content-Type)"
    return None


def led_here_by_others(site: str | None) -> bool:
    """Tell whether a page of others led a browser to ours, by the Sec-Fetch-Site of the request.

    Such a page may have laid ours under the pointer just before the second click of two.
    """
    return site not in {None, "same-origin", "none"}


def _is_ours(host: str, names: Iterable[str]) -> bool:
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name.rstrip(".") in names:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
