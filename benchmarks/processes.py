"""What a command costs in a process of its own: seconds, processor time, and the most memory it had."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The peak of a process is never below that of who started it, so a small one does.
LAUNCHER = """
import json, os, sys, time
nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
began = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, usage = os.wait4(child, 0)
told = {"seconds": time.perf_counter() - began, "cpu": usage.ru_utime + usage.ru_stime}
print(json.dumps(told | {"megabytes": usage.ru_maxrss / 1024}))
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost."""

    seconds: float
    cpu: float
    megabytes: float


def cost(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Raises CalledProcessError when the command fails; `stderr` says why."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return Cost(**json.loads(done.stdout))
