"""``domain-secure fleet``: one policy for many edges, kept in etcd.

Owns: the arguments.  What an action does is in the ``fleet_*`` modules beside it.
"""

import argparse
from pathlib import Path

from domain_secure.policy.configuration.setting_kinds import node_name

from . import fleet_history, fleet_membership, fleet_settings, fleet_status, fleet_trust
from .fleet_wait import add_wait


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``fleet``."""
    del command
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    init = actions.add_parser("init", help="make the first revision of this machine's own file")
    init.add_argument(
        "--replace",
        action="store_true",
        help="where there is a policy already, make this file the next revision",
    )
    init.set_defaults(run=fleet_membership.run_init)
    join = actions.add_parser("join", help="take the fleet's policy in place of this machine's own")
    join.set_defaults(run=fleet_membership.run_join)
    leave = actions.add_parser("leave", help="stand alone again, with the last policy as a file")
    leave.add_argument("--node", type=node_name, help="forget another node, which does not exist any more")
    leave.set_defaults(run=fleet_membership.run_leave)
    status = actions.add_parser(
        "status", help="what every node enforces; 1 when one does not enforce the newest"
    )
    status.add_argument("--json", action="store_true", help="print one JSON document")
    status.set_defaults(run=fleet_status.run_status)
    change = actions.add_parser(
        "set",
        help="set shared keys that are no list and of no partner",
        description=f"Keys: {', '.join(fleet_settings.settable())}. "
        "Elements of a list are separated by commas. KEY= goes back to the default.",
    )
    change.add_argument("values", nargs="+", metavar="KEY=VALUE", help="for example mode=observe")
    change.set_defaults(run=fleet_settings.run_set)
    log = actions.add_parser("log", help="who changed what, when, and from which node")
    log.add_argument("--json", action="store_true", help="print one JSON document")
    log.add_argument(
        "-n", "--number", type=int, default=20, metavar="N", help="how many revisions (default 20)"
    )
    log.set_defaults(run=fleet_history.run_log)
    revert = actions.add_parser("revert", help="make an earlier revision's content the newest")
    revert.set_defaults(run=fleet_history.run_revert)
    accept = actions.add_parser(
        "accept",
        help="decide between the store and this node after the store went backwards",
        description="Nodes keep what they enforce when the store holds something older, or something that "
        "does not follow on it. This ends that for every node.",
    )
    accept.add_argument("which", choices=("store", "node"), help="what holds from now on")
    accept.set_defaults(run=fleet_history.run_accept)
    sign = actions.add_parser("sign", help="sign the newest revision, which somebody made without a key")
    sign.set_defaults(run=fleet_history.run_sign)
    for action in (revert, sign):
        action.add_argument("revision", type=int, metavar="REVISION", help="its number in `fleet log`")
    for action in (change, revert, accept, sign):
        add_wait(action)
    key = actions.add_parser("key", help="make an administrator's Ed25519 key")
    key.add_argument("file", type=Path, metavar="FILE", help="where the private key goes")
    key.set_defaults(run=fleet_trust.run_key)
    trust = actions.add_parser("trust", help="believe an administrator's key on this node")
    trust.add_argument("key", metavar="KEY", help="ed25519:… as `fleet key` prints it")
    trust.add_argument("--require", action="store_true", help="from now on apply signed revisions only")
    trust.set_defaults(run=fleet_trust.run_trust)
