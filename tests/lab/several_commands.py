"""Run several command lines of ours one after the other in one process; the first that fails is the last.

Standard input is a JSON array of arrays of arguments.  To load what commands need takes longer than what most
of them do, and a test that wants a state, and not the commands, need not pay for it each time.
"""

import json
import sys

from domain_secure.commands.main import main

for arguments in json.load(sys.stdin):
    if status := main(arguments):
        sys.exit(status)
