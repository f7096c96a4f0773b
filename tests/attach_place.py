"""A Postfix configuration directory in which plans of attach are carried out; nothing of it runs."""

import os
from dataclasses import replace
from pathlib import Path

from configurations import make_configuration

from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.attach import attach_record
from domain_secure.postfix.attach.attachment import MAIN, MASTER, Plan, Request, plan_attach, plan_detach
from domain_secure.postfix.instance.programs import PostfixInstance

STOCK_MASTER = b"""\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
#smtp      inet  n       -       y       -       1       postscreen
submission inet n       -       y       -       -       smtpd
  -o smtpd_tls_security_level=encrypt
cleanup   unix  n       -       y       -       0       cleanup
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
"""


class Place:
    """A configuration directory and what is done in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.directory = folder / "etc"
        self.directory.mkdir()
        (folder / "queue").mkdir()
        (folder / "cert.pem").touch()
        self.stock_main = (
            f"compatibility_level = 3.6\nqueue_directory = {folder}/queue\nmyhostname = mx1.contoso.test\n"
            f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {folder}/cert.pem\n"
        ).encode()
        self.instance = PostfixInstance(self.directory)
        self.configuration = make_configuration(folder / "state", send=DomainList.of("woodgrovebank.test"))
        trust = replace(self.configuration.trust, ca_file=folder / "cert.pem")
        self.configuration = replace(self.configuration, trust=trust)
        self.write(self.stock_main, STOCK_MASTER)

    def write(self, main: bytes | None = None, master: bytes | None = None) -> None:
        """Give the files new contents, or a new age."""
        for name, content in ((MAIN, main), (MASTER, master)):
            path = self.directory / name
            if content is not None:
                path.write_bytes(content)
            os.utime(path, (0, 0))  # Postfix waits until a file is two seconds old

    @property
    def files(self) -> dict[str, bytes]:
        """Return both files."""
        return {name: (self.directory / name).read_bytes() for name in (MAIN, MASTER)}

    @property
    def record_path(self) -> Path:
        """Return where the record lies."""
        return attach_record.path_of(self.configuration.state, self.directory)

    def attach(self, request: Request | None = None) -> Plan:
        """Plan to attach, and write what is planned."""
        return self.carry_out(plan_attach(self.configuration, self.instance, request or Request()))

    def detach(self, request: Request | None = None) -> Plan:
        """Plan to detach, and write what is planned."""
        return self.carry_out(plan_detach(self.configuration, self.instance, request or Request()))

    def replace(self, name: str, old: bytes, new: bytes) -> None:
        """Edit a file as somebody else would."""
        content = self.files[name]
        assert old in content
        self.write(**{name.removesuffix(".cf"): content.replace(old, new)})

    def override(self, service: str, name: str) -> str | None:
        """Return what Postfix reads as an option of a service."""
        found = self.instance.service(service)
        assert found is not None, service
        return found.overrides.get(name)

    def carry_out(self, plan: Plan) -> Plan:
        """Write what is planned."""
        if plan.record is not None:
            attach_record.write(plan.record_path, self.directory, plan.record)
        self.write(plan.after[MAIN], plan.after[MASTER])
        if plan.record is None:
            attach_record.remove(plan.record_path)
        return plan
