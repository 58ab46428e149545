"""The helper process that reads documents: a line with a path comes in, a line of JSON goes out.

What a PDF asks of its reader cannot be foreseen, so its memory and time are limited, and what cannot be read
costs this process and not the one that watches lists.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import Any

MEMORY = 1_000_000_000
SECONDS = 20  # for one document
PAGES = 40  # of which the text is read


def told(path: str) -> dict[str, Any]:
    """A PDF's number of `pages` and the `text` of the first PAGES of them."""
    from pypdf import PdfReader

    reader = PdfReader(path)
    pages = len(reader.pages)
    text = "\n".join(page.extract_text() or "" for page in reader.pages[:PAGES])
    return {"pages": pages, "text": text[:2_000_000]}


def main() -> int:
    import logging

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for line in sys.stdin:
        signal.alarm(SECONDS)
        try:
            answer = told(line.rstrip("\n"))
        except MemoryError:
            answer = {"trouble": "it needs more memory than it may have"}
        except Exception as error:
            answer = {"trouble": f"{type(error).__name__}: {error}"[:200]}
        signal.alarm(0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
