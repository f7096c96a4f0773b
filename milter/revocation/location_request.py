"""How a location is asked over HTTP, and what the operator can do where asking again will not help.

Source: RFC 5280 section 8 on https locations; RFC 6960 appendix A.
"""

from domain_secure.milter.fetching.http_fetch import (
    FetchError,
    PrivateAddressError,
    Request,
    TooLargeError,
    UntrustedServerError,
)
from domain_secure.policy.revocation.needs import OCSP_REQUEST_TYPE
from domain_secure.policy.revocation.revocation import Location
from domain_secure.policy.revocation.statements import MAXIMUM_ANSWER_OCTETS, MAXIMUM_LIST_OCTETS


def request_for(location: Location, *, private: bool) -> Request:
    """Return the request; *private*: at any address."""
    if location.request:
        return Request(
            location.url, MAXIMUM_ANSWER_OCTETS, location.request, OCSP_REQUEST_TYPE, private=private
        )
    return Request(location.url, MAXIMUM_LIST_OCTETS, private=private)


def advice(result: bytes | FetchError) -> str:
    """Return what to do about a fetch that will fail again, in one clause; empty where time may mend it."""
    match result:
        case UntrustedServerError():
            return (
                "ask the authority to publish over http, as lists and answers are signed themselves; or let "
                "this machine believe the server's authority (update-ca-certificates), or fetch the list "
                "yourself and name its file in [trust] crl_files"
            )
        case TooLargeError():
            return (
                "ask the authority for lists in parts, or for an OCSP responder; one that the certificate "
                "names is asked all the same"
            )
        case PrivateAddressError():
            return "set [trust] fetch_private = true if the authority is your own"
        case _:
            return ""
