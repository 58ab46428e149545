"""The README of an evidence bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXT = """\
Evidence for one change of a published list
===========================================

{title}
({kind}, list "{list}", published {published_at}, change {id})

This bundle was made by Countersign {version}. It holds:

  {before}
      the list as it was published before, exactly the bytes that were captured
  {after}
      the list that shows the change, exactly the bytes that were captured
  journal.jsonl
      the archive's journal from the first of the two captures to its newest line. Each line carries
      the SHA-256 of the line before it, so that none can be changed, taken out or put in between
  seals/
      seals of the journal's head that were made in between, if any were
  evidence.json
      the change; the row of each file that bears it out, as printed and as it was read; its columns
  check.py
      a check that needs Python 3.9 or later and nothing else; it is short enough to be read first

To check it:

  unzip -p {bundle} check.py > check.py
  python check.py {bundle}

What the check proves: no byte of the bundle was changed since it was made; the journal's lines follow
one another; both files have the hashes under which the journal says they were captured; the rows of
the files print what the change says. It fails when any one byte of the bundle is changed.

What it cannot prove by itself: that the bundle was not made up as a whole. For that, compare the
journal's head with a seal that was published at the time (python check.py {bundle} seal.json):

  line {last} of the journal has the SHA-256
  {head}

or fetch the publisher's own file, or one that a third party kept, and compare its SHA-256:

  before  {before_sha256}
  after   {after_sha256}

A note on privacy: the files are as they were published. Links in them may be wrapped by mail software
and may then hold the e-mail addresses of the publisher's staff. Countersign never repeats those
anywhere else. The journal holds who decided what about lists and changes, by user name. Think before
you hand this bundle on.
"""


def readme(told: Mapping[str, Any]) -> str:
    """`told` is what the bundle's evidence.json says."""
    change = told["change"]
    return _TEXT.format(
        title=change["title"],
        kind=change["kind"],
        list=change["list"],
        published_at=change["published_at"],
        id=change["id"],
        version=told["software"]["countersign"],
        before=told["files"]["before"]["member"],
        after=told["files"]["after"]["member"],
        bundle=f"evidence-{change['id']}.zip",
        last=told["journal"]["last"],
        head=told["journal"]["head"],
        before_sha256=change["previous_sha256"],
        after_sha256=change["sha256"],
    )
