"""What any reader shows as an author is a claim, or the message is refused: forgeries by the thousand."""

from collections.abc import Iterable, Sequence

from domain_secure.policy.claims.claims import header_claims, hides_authors
from domain_secure.policy.terms.lists import DomainList

from .author_families import Names, author_fields
from .reader_models import MODELS, hosts
from lab.address_readers import READERS
from lab.laboratory import EVIL, WOODGROVE
from promises import Part, Promise

PART = "readers"

_NAMES = Names(f"admin@{WOODGROVE}", f"mallory@{EVIL}")
_LISTED = DomainList.of(WOODGROVE)
_SEED = 20261127
_SHOWN = 3  #: missed fields that are shown


def measure(quick: bool) -> list[Promise]:
    """Ask each reader and each model about the same fields."""
    fields = [field for _, field in author_fields(_NAMES, 2_000 if quick else 20_000, _SEED)]
    claimed = [bool(header_claims("From", one, _LISTED)) or hides_authors("From", one) for one in fields]
    promises = [
        _promise(reader.name, fields, reader.read(fields), claimed)
        if reader.present()
        else Promise(
            PART, f"{reader.name}: fields that show the partner and claim nothing", "0", "-", None, _LEFT
        )
        for reader in READERS
    ]
    for name, model in MODELS.items():
        shown = [hosts(model, field) for field in fields]
        promises.append(_promise(f"a model, {name}", fields, shown, claimed))
    return promises


_LEFT = "It is not installed here, or not in a version that is known."


def _promise(
    reader: str, fields: Sequence[bytes], shown: Sequence[Iterable[str]], claimed: Sequence[bool]
) -> Promise:
    seen = [any(map(_is_partners, found)) for found in shown]
    missed = [
        field for field, sees, is_claimed in zip(fields, seen, claimed, strict=True) if sees > is_claimed
    ]
    needed = "\n".join(repr(field[:300]) for field in missed[:_SHOWN])
    measured = f"{len(missed)} of {sum(seen)} that show him, in {len(fields)}"
    what = f"{reader}: fields that show the partner and claim nothing"
    return Promise(PART, what, "0", measured, not missed and any(seen), needed)


def _is_partners(host: str) -> bool:
    return host.strip(" \t\r\n").rstrip(".").lower() == WOODGROVE


PARTS = {PART: Part(measure)}
