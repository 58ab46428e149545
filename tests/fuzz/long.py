"""A long run over every target, guided by coverage (atheris), or over those that are named.

    python tests/fuzz/long.py --seconds 600 [TARGET ...]

What breaks a target is kept in tests/fuzz/crashes/TARGET/, from where the suite tries it for ever.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
CRASHES = HERE / "crashes"
LARGEST = 65_536


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=300, help="for each target")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        _fuzz(chosen.targets[0], chosen.seconds)
        return 0
    broken = []
    for name in chosen.targets or sorted(import_module("targets").TARGETS):
        # Each in a process of its own: the fuzzer ends its process when it is done.
        command = [sys.executable, __file__, "--one", "--seconds", str(chosen.seconds), name]
        if subprocess.run(command, check=False).returncode:
            broken.append(name)
    sys.stdout.write(f"broken: {', '.join(broken)}\n" if broken else "nothing broke\n")
    return 1 if broken else 0


def _fuzz(name: str, seconds: int) -> None:
    try:
        import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise SystemExit("The long run is guided by atheris: pip install atheris (Linux).") from None

    with atheris.instrument_imports(include=["pipelines", "scraper", "changelog", "web"]):
        targets = import_module("targets").TARGETS
    kept = CRASHES / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="countersign-fuzz-") as corpus:
        for number, data in enumerate(import_module("seeds").seeds_of(name)):
            (Path(corpus) / str(number)).write_bytes(data)
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={LARGEST}",
            f"-artifact_prefix={kept}/",
            "-timeout=30",
        ]
        atheris.Setup([sys.argv[0], corpus, *options], targets[name])
        atheris.Fuzz()


if __name__ == "__main__":
    # Not as `tests.fuzz`: other packages install a package called tests.
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    raise SystemExit(main())
