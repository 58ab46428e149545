"""The pictures of the README, made anew: `python docs/make_pictures.py [HOME]`, or `make pictures`.

HOME is an installation to show; without it the demo is played into a new one. Needs Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parents[1]
PICTURES = HERE / "docs" / "pictures"
SHOWN = 46  # lines of the terminal's picture


def main(arguments: list[str]) -> int:
    home = Path(arguments[0]) if arguments else Path(tempfile.mkdtemp(prefix="countersign-pictures-"))
    if not arguments:
        told = command(home, "demo", "--home", str(home))
        terminal(told, PICTURES / "demo.svg")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serving = subprocess.Popen(door("serve", "--port", str(port)), env=environment(home), cwd=HERE)  # noqa: S603
    try:
        page = f"http://127.0.0.1:{port}"
        wait_for(page)
        shoot(page, PICTURES / "overview.png", 1500)
        shoot(newest_correction(page), PICTURES / "change.png", 1000)
    finally:
        serving.terminate()
        serving.wait()
    return 0


def door(*words: str) -> list[str]:
    return [sys.executable, "-m", "countersign", *words]


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "COUNTERSIGN_HOME": str(home)}


def command(home: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        door(*words), env=environment(home), cwd=HERE, capture_output=True, text=True, check=True
    )
    return done.stdout


def terminal(told: str, picture: Path) -> None:
    """The end of the demo's words, as a terminal shows them. The folder's name is of no interest."""
    lines = re.sub(r"/\S*countersign-pictures-\w+", "demo-home", told).splitlines()[-SHOWN:]
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=100, file=nowhere)
        console.print(Text("\n".join(lines)))
    picture.write_text(console.export_svg(title="countersign demo"), encoding="utf-8")


def wait_for(page: str) -> None:
    for _ in range(100):
        try:
            urlopen(page).close()  # noqa: S310 - loopback
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("The page did not come up.")


def newest_correction(page: str) -> str:
    with urlopen(f"{page}/changes?kind=renamed") as answer:  # noqa: S310 - loopback
        found = re.search(r'href="(/changes/[0-9a-f]{16})"', answer.read().decode())
    return page + found[1] if found else page + "/changes"


def shoot(address: str, picture: Path, height: int) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("Chromium is needed for pictures of pages.")
    subprocess.run(  # noqa: S603 - a browser of this machine, a page of our own
        [
            browser, "--headless=new", "--no-sandbox", "--hide-scrollbars",
            f"--window-size=1280,{height}", f"--screenshot={picture}", address,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
