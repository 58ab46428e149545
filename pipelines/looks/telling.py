"""What is said of a look that is over: in the log, and to whoever asked for it."""

from __future__ import annotations

from pipelines.logs import tell_of_look
from pipelines.looks.look import Look
from pipelines.record.looked import Ended


def told(run_id: str, name: str, trigger: str, by: str, ended: Ended) -> Look:
    """Write the line of the log, and make what the caller gets."""
    counts = ", ".join(f"{count} {kind}" for kind, count in ended.counts.items())
    story = ended.outcome + (f": {counts}" if counts else "")
    words = {"reason": ended.reason, "requests": ended.requests, "bytes": ended.bytes, "rows": ended.rows}
    bound = {"run": run_id, "list": name, "trigger": trigger, "by": by}
    tell_of_look(bound, story, words, ended.stages, "info" if ended.exit_code == 0 else "warning")
    return Look(name, ended.outcome, ended.reason, ended.counts, ended.exit_code, run_id, ended.sha256)
