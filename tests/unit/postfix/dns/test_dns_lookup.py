"""The system's resolver is asked, or nobody knows."""

import subprocess
import sys

_PROGRAM = """
import resource, os
from domain_secure.postfix.dns.dns_lookup import system_lookup
many = resource.getrlimit(resource.RLIMIT_NOFILE)
lowest = os.dup(0)
os.close(lowest)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, many[1]))
without = system_lookup("mail.invalid", "A")
resource.setrlimit(resource.RLIMIT_NOFILE, many)
print(without.status, without.detail)
import dns.resolver
"""


def test_without_a_descriptor_nobody_knows() -> None:
    """The library is loaded by the first look-up: where no file can be opened then, that is no answer."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.startswith("failed A of mail.invalid: cannot load dnspython")
    assert "Too many open files" in done.stdout
