"""The landing page of the played publisher, in the manner of a government site built with Drupal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class PageLink:
    path: str
    text: str
    heading: str


def landing_page(links: Sequence[PageLink], statement: str = "", counts: str = "", updated: str = "") -> str:
    """`updated` is an ISO time; what is empty is left out."""
    lists = "\n".join(_button(link) for link in links)
    footer = f'<p>Updated: <time datetime="{escape(updated)}">{escape(updated)}</time></p>' if updated else ""
    return f"""<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<title>Partner with us: delegated authority, section 287(g)</title>
<link rel="stylesheet" href="/themes/custom/site/style.css">
</head>
<body class="path-node">
<header><nav><a href="/">Home</a> <a href="/about">About</a> <a href="/contact">Contact</a></nav></header>
<main id="main-content">
<h1>Delegation of immigration authority, section 287(g)</h1>
<div class="field field--name-body">
<p>{escape(statement)}</p>
<p>{escape(counts)}</p>
<h2>How a partnership works</h2>
<p>Read the <a href="/doclib/about/offices/ero/287g/factSheet.pdf">fact sheet</a>, the
<a href="/doclib/about/offices/ero/287g/taskForceModelMoa.docx">model agreement</a> or the
<a href="/doclib/about/offices/ero/287g/participationMap.png">map of partners</a>.</p>
{lists}
</div>
</main>
<footer>{footer}<a href="/privacy">Privacy</a></footer>
</body>
</html>
"""


def _button(link: PageLink) -> str:
    return f"""<h2>{escape(link.heading)}</h2>
<p><a class="usa-button usa-button--outline" href="{escape(link.path)}"
target="_blank">{escape(link.text)}</a></p>"""
