"""Runs that ask no publisher, recorded like looks: files of the past taken in by a person."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from pipelines.house import House, writing
from pipelines.processes import process_name
from pipelines.record.runs import Ended, end_run, start_run
from scraper.errors import CountersignError

BUG = 1


class Recording:
    """What the run found, filled in as it goes on."""

    def __init__(self) -> None:
        self.ended = Ended("recorded")

    def note(self, reason: str) -> None:
        self.ended = replace(self.ended, reason=reason)


@contextmanager
def recorded(house: House, lists: Sequence[str], trigger: str, by: str) -> Iterator[Recording]:
    """Record a run of each list around a block of work, whatever becomes of it."""
    run_id, recording, started = uuid4().hex, Recording(), time.perf_counter()
    with writing(house) as connection:
        for name in lists:
            start_run(connection, run_id, name, trigger, by, process_name(), house.now())
    try:
        yield recording
    except BaseException as error:
        code = error.exit_code if isinstance(error, CountersignError) else BUG
        said = str(error) or type(error).__name__
        recording.ended = Ended("failed", said, error=said, exit_code=code)
        raise
    finally:
        ended = replace(recording.ended, stages={trigger: time.perf_counter() - started})
        with writing(house) as connection:
            for name in lists:
                end_run(connection, run_id, name, ended, house.now())
