"""A rebuild takes the record's place on PostgreSQL as it does on SQLite, also when it is killed."""

from __future__ import annotations

from tests.faults.test_rebuild import test_killed_anywhere_the_record_is_the_old_one_or_the_new_one_whole
from tests.pipelines.test_rebuild import *

__all__ = ["test_killed_anywhere_the_record_is_the_old_one_or_the_new_one_whole"]
