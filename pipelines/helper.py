"""A process of ours that reads a stranger's document within limits of memory and time, reused while it behaves.

What a library asks for cannot be foreseen from the bytes that it is given, so it asks it of this process and not
of the one that watches lists.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from scraper.errors import UnreadableError

ROOT = Path(__file__).parents[1]
TOO_MUCH = "Reading it needs more memory than it may have."
PATIENCE = 5
Helper = subprocess.Popen[bytes]
_idle: list[Helper] = []
os.register_at_fork(after_in_child=_idle.clear)


def read_within(
    function: str, path: Path, arguments: list[Any], memory: int, seconds: float
) -> Iterator[Any]:
    """The JSON values that `function` ("package.module:name") gives of the path and the arguments.

    UnreadableError when it raises that, or reaches a limit: bytes of memory, seconds of CPU (a busy machine makes no
    document worse), or PATIENCE times as long by the clock.
    """
    values = tempfile.NamedTemporaryFile(prefix="countersign-")  # noqa: SIM115  closed by who reads it
    try:
        job = {
            "function": function,
            "path": str(path.resolve()),
            "arguments": arguments,
            "values": values.name,
        }
        _raise(_answer(job | {"memory": memory, "seconds": seconds}), seconds)
    except BaseException:
        values.close()
        raise
    return _each(values)


def _each(values: IO[bytes]) -> Iterator[Any]:
    with values:
        for line in values:
            yield json.loads(line)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    helper = _idle.pop() if _idle else _started()
    assert helper.stdin is not None  # noqa: S101
    assert helper.stdout is not None  # noqa: S101
    patience = job["seconds"] * PATIENCE
    began = time.monotonic()
    late = threading.Timer(patience, helper.kill)
    late.start()
    line = b""
    try:
        helper.stdin.write(json.dumps(job).encode() + b"\n")
        helper.stdin.flush()
        line = helper.stdout.readline()
    except BrokenPipeError:
        pass
    finally:
        late.cancel()
        if not line:
            _end(helper)
    if not line:
        late_now = helper.returncode == -signal.SIGPROF or time.monotonic() - began >= patience
        return {"late": True} if late_now else {}
    answer: dict[str, Any] = json.loads(line)
    if answer["well"]:
        _idle.append(helper)
    else:
        _end(helper)
    return answer


def _raise(answer: dict[str, Any], seconds: float) -> None:
    if not answer:
        raise UnreadableError(TOO_MUCH)
    if "late" in answer:
        raise UnreadableError(f"Reading took longer than {seconds:g} seconds.")
    if "unreadable" in answer:
        raise UnreadableError(answer["unreadable"])
    if "system" in answer:
        raise OSError(*answer["system"])
    if "bug" in answer:
        raise RuntimeError(answer["bug"])


def _started() -> Helper:
    command = [sys.executable, "-m", "pipelines.helper"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603


def _end(helper: Helper) -> None:
    helper.kill()
    helper.communicate()


@atexit.register
def end_idle() -> None:
    while _idle:
        _end(_idle.pop())


def main() -> None:
    """In the helper: a line with a job comes in, a line with the answer goes out."""
    # Who is stopped together with us ends us by closing the pipe; a document is not unreadable for that.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        job = json.loads(line)
        _limit(job["memory"], job["seconds"])
        answer = {"well": True} | _work(job)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(answer), flush=True)  # noqa: T201


def _limit(memory: int, seconds: float) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.setitimer(signal.ITIMER_PROF, seconds)  # its signal ends the process


def _work(job: dict[str, Any]) -> dict[str, Any]:
    module, _, name = job["function"].partition(":")
    try:
        function: Callable[..., Iterator[Any]] = getattr(import_module(module), name)
        with Path(job["values"]).open("w") as values:
            for value in function(Path(job["path"]), *job["arguments"]):
                values.write(json.dumps(value) + "\n")
    except UnreadableError as error:
        return {"unreadable": str(error)}
    except MemoryError:
        return {"unreadable": TOO_MUCH, "well": False}
    except OSError as error:
        return {"system": [error.errno, error.strerror], "well": False}
    except Exception:
        return {"bug": traceback.format_exc(), "well": False}
    return {}


if __name__ == "__main__":
    main()
