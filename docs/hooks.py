"""For `mkdocs build`: a link that leads out of `docs/` leads to a copy of that file within the site.

In the checkout such links work as they are. The site has no repository to point at, so it carries the text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r"(?<=\]\()(\.\./[^)#\s]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    root = Path(config.docs_dir).parent
    for page in list(files.documentation_pages()):
        for outside in _outside(page.src_uri, page.content_string):
            if (root / outside).is_file() and not files.get_file_from_path(_copy(outside)):
                files.append(File.generated(config, _copy(outside), content=(root / outside).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    def lead(link: re.Match[str]) -> str:
        outside = _target(page.file.src_uri, link[1])
        if outside is None or not files.get_file_from_path(_copy(outside)):
            return link[1]
        return posixpath.relpath(_copy(outside), posixpath.dirname(page.file.src_uri) or ".")

    return LINK.sub(lead, markdown)


def _outside(page: str, text: str) -> set[str]:
    return {target for link in LINK.findall(text) if (target := _target(page, link))}


def _target(page: str, link: str) -> str | None:
    """The path from the root of the checkout, when the link leads out of `docs/`."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if path.startswith(("docs/", "../")) else path


def _copy(path: str) -> str:
    return f"source/{path}.txt"
