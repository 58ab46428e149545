"""All the set-up there is: a virtual environment beside this file, the locked packages, this checkout in it.

    python3 bootstrap.py demo    sets up and plays the demo
    python3 bootstrap.py test    sets up and passes the tests
    python3 bootstrap.py         sets up

What follows `demo` or `test` is handed on to it. Needs Python 3.11 or newer with pip, and a package index.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
DONE = ENVIRONMENT / "set-up.sha256"
# A file's tests stay together: they share what was replayed for them.
EVERY_CORE = ("--numprocesses=auto", "--dist=loadfile")
LOCK = {"demo": "requirements.lock", "test": "requirements-test.lock"}


def main(arguments: list[str]) -> int:
    wish = arguments[0] if arguments else "demo"
    if wish not in LOCK:
        sys.stderr.write(__doc__ or "")
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036 - it runs before anything was installed that could check
        sys.stderr.write("Python 3.11 or newer is needed.\n")
        return 2
    set_up(HERE / LOCK[wish])
    if not arguments:
        return 0
    command = (
        [BIN / "countersign", "demo"] if wish == "demo" else [BIN / "python", "-m", "pytest", *EVERY_CORE]
    )
    return subprocess.call([*map(str, command), *arguments[1:]], cwd=HERE)  # noqa: S603 - our own command


def set_up(lock: Path) -> None:
    """Install what the lock names, with hashes, unless this very lock was installed before."""
    wanted = hashlib.sha256(lock.read_bytes() + (HERE / "pyproject.toml").read_bytes()).hexdigest()
    done = DONE.read_text(encoding="utf-8").split() if DONE.exists() else []
    if wanted in done:
        return
    if not BIN.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.check_call([*pip, "--require-hashes", "--requirement", str(lock)])  # noqa: S603
    subprocess.check_call([*pip, "--no-deps", "--no-build-isolation", "--editable", str(HERE)])  # noqa: S603
    DONE.write_text("\n".join([*done, wanted]), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
