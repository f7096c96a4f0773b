"""Run the command line given as arguments and print what it used up: wall s, processor s, peak KiB, status.

A program of its own, and small: the kernel counts the memory of whoever starts a process towards that
process's peak, and the benchmark itself is large.  What the command prints goes to standard error.
"""

import os
import sys
import time

started = time.perf_counter()
command = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
_, status, used = os.wait4(command, 0)
wall = time.perf_counter() - started
print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status))
