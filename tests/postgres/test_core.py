"""What is true on SQLite is true on PostgreSQL: the same tests of the whole story, of held lists and of looks."""

from __future__ import annotations

from tests.pipelines.test_held import *
from tests.pipelines.test_run import *
