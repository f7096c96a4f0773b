"""The long form's search: a process for each target, led by what its inputs reach (Atheris, libFuzzer).

Run as a program by ``fuzzing``.  Here our code is instrumented and slower, so that nothing is measured: what
was found is given to ``examination`` afterwards.
"""

import argparse
import json
import mmap
import sys
import tempfile
from pathlib import Path

_LARGEST = 8192  #: octets; longer ones are made of what is found
LAST = "last-input"  #: what was being tried, for a process that ends at once
FOUND = "found.json"
_HEADER = 8  #: octets of its length


def main() -> None:
    """Search until the time is over; findings and new inputs are in the folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("seconds", type=int)
    parser.add_argument("seed", type=int)
    options = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["domain_secure"]):
        from .registry import TARGETS
    from .corpus import kept
    from .examination import Examination, hang_noticed

    target = TARGETS[options.target]
    corpus = options.folder / "corpus"
    corpus.mkdir()
    for name, octets in kept(target.name).items():
        (corpus / name).write_bytes(octets)
    with (
        tempfile.TemporaryDirectory() as work,
        (options.folder / LAST).open("w+b") as last,
        hang_noticed(),
        target.opened(Path(work)) as take,
    ):
        last.truncate(_HEADER + _LARGEST)
        noted = mmap.mmap(last.fileno(), 0)
        # Instrumented code takes several times as long.
        examination = Examination(target, take, allowance=10.0)
        faults = examination.outcome.faults

        def one(octets: bytes) -> None:
            noted[:_HEADER] = len(octets).to_bytes(_HEADER, "big")
            noted[_HEADER : _HEADER + len(octets)] = octets
            known = len(faults)
            examination.run(octets)
            if len(faults) > known:
                (options.folder / FOUND).write_text(
                    json.dumps([[found.kind, found.octets.hex()] for found in faults.values()])
                )

        arguments = [
            *("fuzzing", str(corpus), f"-max_total_time={options.seconds}", f"-seed={options.seed}"),
            *(f"-max_len={_LARGEST}", f"-dict={target.dictionary}", "-timeout=300", "-rss_limit_mb=4096"),
            *(f"-artifact_prefix={options.folder}/", "-verbosity=1", "-print_final_stats=1"),
        ]
        atheris.Setup(arguments, one)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
