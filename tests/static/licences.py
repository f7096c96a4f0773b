"""Every package that an installation consists of has a licence that is known and goes with ours."""

import json
import lzma
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs

from .bill_of_materials import ROOT, SPECIFICATION, components, document
from promises import Promise

PART = "licences"
_SCHEMAS = ROOT / "tests" / "data" / "cyclonedx"


def measure(quick: bool) -> list[Promise]:
    """Look at the licence of each package that the lock file of this Python pins."""
    del quick
    parts = components()
    others = [f"{part.name}: {part.licence}" for part in parts if not part.is_compatible]
    made = [document(parts, datetime.fromtimestamp(0, UTC)) for _ in range(2)]
    without = [part.name for part in parts if not part.digests]
    return [
        Promise(
            PART,
            f"licences of {len(parts)} packages that are known and go with the product's",
            "all",
            "all" if not others else "; ".join(others),
            not others,
        ),
        Promise(PART, "packages without the digests of their files", "0", str(len(without)), not without),
        Promise(
            PART,
            "the bill of materials names every package, twice alike",
            "yes",
            f"{len(made[0]['components'])} of {len(parts)}",
            made[0] == made[1] and len(made[0]["components"]) == len(parts),
        ),
        Promise(
            PART,
            f"what CycloneDX's schema of {SPECIFICATION} says against the bill of materials",
            "nothing",
            "; ".join(faults_of(made[0])) or "nothing",
            not faults_of(made[0]),
        ),
    ]


def faults_of(bill: dict[str, Any]) -> list[str]:
    """Return what the published schema says against a bill of materials: where, and what."""
    names = (f"bom-{SPECIFICATION}", "spdx", "jsf-0.82")
    bom, *others = (
        json.loads(lzma.decompress((_SCHEMAS / f"{name}.schema.json.xz").read_bytes())) for name in names
    )
    registry = jsonschema_rs.Registry([(one["$id"], one) for one in others])
    schema = jsonschema_rs.validator_for(bom, registry=registry, validate_formats=True)
    return [
        f"{'/'.join(map(str, fault.instance_path))}: {fault.message}" for fault in schema.iter_errors(bill)
    ]
