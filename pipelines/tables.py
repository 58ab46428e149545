"""The tables, and nothing else. Who writes is in `record`, who reads is in `history`.

Times are text in UTC ("2025-05-12T17:40:40Z"): they sort, and any tool reads them.
A publication's `place` sorts the publications of one list (publication time, name or capture time, hash), so that a
validity interval can be compared with any moment without asking when its publications were.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from pipelines.moments import as_text

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

# PostgreSQL compares text by the rules of a language unless it is told not to; places and keys are plain bytes.
Key = String(64).with_variant(String(64, collation="C"), "postgresql")
Name = Text().with_variant(Text(collation="C"), "postgresql")

Json = JSON(none_as_null=True)
BigId = BigInteger().with_variant(Integer, "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as text in UTC to the second."""

    impl = String(20)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(20, collation=collation))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else as_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else datetime.fromisoformat(value)


publications = Table(
    "publications",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("key", String(16), nullable=False),
    Column("list", Key, nullable=False),
    Column("place", Key, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("published_name", Text, nullable=False),
    Column("published_at", UtcTime, nullable=False),
    Column("basis", String(16), nullable=False),
    Column("captured_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    # new, recorded, unchanged, held, cleared (held, and a later list put it right), rejected,
    # retracted (taken in by mistake), unreadable, failed (a bug of ours was in the way)
    Column("state", String(12), nullable=False),
    # accept, reject or retract by a person (or accept by the declaration), clear when the server itself went back
    Column("verdict", String(8)),
    Column("announced", Boolean, nullable=False),
    Column("previous_sha256", String(64)),
    Column("agreements", Integer),
    Column("agencies", Integer),
    Column("by_state", Json),
    Column("by_support_type", Json),
    Column("filled", Json),
    # of all rows together, whatever their order: two publications that say the same have the same
    Column("content", String(16)),
    Column("counts", Json),
    Column("page", Json),
    Column("findings", Json),
    Column("reasons", Json),
    Column("decided_by", Text),
    Column("decided_at", UtcTime),
    Column("note", Text),
    Column("parser", Integer),
    # what the file and its server said of when it was last changed, and who saw it: crawl, replay, ...
    Column("saved_at", UtcTime),
    Column("last_modified", UtcTime),
    Column("captured_by", Text),
    UniqueConstraint("key"),
    UniqueConstraint("list", "place"),
    Index("ix_publications_list_state_place", "list", "state", "place"),
    Index("ix_publications_sha256", "sha256"),
    # of all lists together: the newest, which wait, what was recorded or decided since
    Index("ix_publications_place", "place"),
    Index("ix_publications_state_place", "state", "place"),
    Index("ix_publications_recorded", "recorded_at"),
    Index("ix_publications_decided", "decided_at"),
)

# The validity intervals: what an agreement's fields were from one publication until another.
intervals = Table(
    "intervals",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("list", Key, nullable=False),
    Column("agreement_id", String(16), nullable=False),
    Column("agency_id", String(16), nullable=False),
    Column("from_place", Key, nullable=False),
    Column("until_place", Key),
    Column("row", Integer, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("state", String(2)),
    Column("agency", Text, nullable=False),
    Column("name_key", Name, nullable=False),
    Column("support_type", Text),
    Column("signed", String(10)),
    Column("type", Text),
    Column("county", Text),
    Column("moa", Text),
    Column("addendum", Text),
    Column("extra", Json),
    Column("printed", Json),
    Index("ix_intervals_list_until_from", "list", "until_place", "from_place"),
    Index("ix_intervals_list_from", "list", "from_place"),
    Index("ix_intervals_agreement", "list", "agreement_id", "from_place"),
    Index("ix_intervals_agency", "agency_id"),
    Index("ix_intervals_name", "state", "name_key", "list"),
)

# The last accepted list of each list, packed: fingerprints of every row and the interval that holds it.
accepted = Table(
    "accepted",
    metadata,
    Column("list", Key, primary_key=True),
    Column("place", Key, nullable=False),
    Column("layout", BigInteger, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)

# In which row of its sheet each publication has an agreement, in the order of the intervals' ids. A publication whose
# rows stand as in the one before has none of its own.
sheet_rows = Table(
    "sheet_rows",
    metadata,
    Column("list", Key, primary_key=True),
    Column("place", Key, primary_key=True),
    Column("rows", LargeBinary, nullable=False),
)

# What later lists said of changes: present judgements, over those of the publication itself.
settlements = Table(
    "settlements",
    metadata,
    Column("change_id", String(16), primary_key=True),
    Column("list", Key, nullable=False),
    # the other change, while the two may be one agreement
    Column("pair", String(16)),
    Column("newly_signed", Boolean),
    Column("new_agency", Boolean),
    # one or two (agreements), dated, or open
    Column("verdict", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    # the place of the publication that settled it
    Column("settled_at", Key),
    Index("ix_settlements_list", "list"),
)

# Applications and what became of them, joined once when either list has something new.
applications = Table(
    "applications",
    metadata,
    Column("list", Key, primary_key=True),
    Column("agreement_id", String(16), primary_key=True),
    Column("since", Key, primary_key=True),
    Column("until", Key),
    # pending, signed, both, left, had
    Column("status", String(8), nullable=False),
    # it stood on the very first list of applications
    Column("at_least", Boolean, nullable=False),
    Column("state", String(2)),
    Column("agency", Text, nullable=False),
    Column("support_type", Text),
    Column("became_list", Key),
    Column("became_id", String(16)),
    Column("became_since", Key),
    Column("became_signed", String(10)),
    Column("rule", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("evidence", Json),
    Index("ix_applications_became", "became_id"),
    Index("ix_applications_agreement", "agreement_id"),
)

changes = Table(
    "changes",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("list", Key, nullable=False),
    Column("place", Key, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Key, nullable=False),
    Column("published_at", UtcTime, nullable=False),
    Column("captured_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("published_name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("previous_sha256", String(64)),
    Column("row", Integer),
    Column("state", String(2)),
    Column("agency", Text, nullable=False),
    Column("name_key", Name, nullable=False),
    Column("agency_id", String(16), nullable=False),
    Column("agreement_id", String(16), nullable=False),
    Column("support_type", Text),
    Column("signed", String(10)),
    Column("before", Json),
    Column("after", Json),
    Column("rule", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("evidence", Json),
    Column("newly_signed", Boolean),
    Column("new_agency", Boolean),
    Index("ix_changes_place", "place", "list", "seq"),
    Index("ix_changes_list_place", "list", "place", "seq"),
    Index("ix_changes_list_kind_place", "list", "kind", "place", "seq"),
    Index("ix_changes_state_place", "state", "place", "list", "seq"),
    Index("ix_changes_kind_place", "kind", "place", "list", "seq"),
    Index("ix_changes_agency_place", "agency_id", "place", "list", "seq"),
    Index("ix_changes_agreement", "agreement_id"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("change_id", String(16), primary_key=True),
    Column("status", String(12), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("note", Text, nullable=False),
)

# What people said of two names: "same" or "distinct".
judgements = Table(
    "judgements",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("state", String(2)),
    Column("name_key", Name, nullable=False),
    Column("other_state", String(2)),
    Column("other_name_key", Name, nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("note", Text, nullable=False),
)

# Where the watch of a list stands: what the server said last, and what it serves now since when.
watched = Table(
    "watched",
    metadata,
    Column("list", Key, primary_key=True),
    Column("url", Text),
    Column("last_modified", Text),
    Column("etag", Text),
    Column("served_sha256", String(64)),
    Column("served_since", UtcTime),
    Column("last_look", UtcTime),
    Column("last_success", UtcTime),
    Column("last_outcome", String(12)),
)

runs = Table(
    "runs",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("list", Key, nullable=False),
    Column("trigger", String(12), nullable=False),
    Column("by", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("outcome", String(12)),
    Column("reason", Text),
    Column("error", Text),
    Column("exit_code", Integer),
    Column("requests", Integer),
    Column("bytes", BigInteger),
    Column("rows", Integer),
    Column("counts", Json),
    Column("stages", Json),
    Column("seconds", Float),
    Column("sha256", String(64)),
    Column("process", Text, nullable=False),
    UniqueConstraint("run_id", "list"),
    Index("ix_runs_list_started", "list", "started_at"),
    Index("ix_runs_started", "started_at"),
    Index("ix_runs_open", "ended_at", "process"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("list", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("repeats", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("text", Text, nullable=False),
    Column("notices", Integer, nullable=False),
    Column("noticed_at", UtcTime),
    # what the last notice said: open or closed
    Column("told", String(8)),
    Index("ix_incidents_open", "list", "kind", "closed_at"),
)

# What is owed to the outside world. `key` makes sure that nothing is owed twice.
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("key", String(128), nullable=False),
    Column("channel", Text, nullable=False),
    Column("lane", String(64), nullable=False),
    Column("payload", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", UtcTime),
    Column("gave_up_at", UtcTime),
    Column("error", Text),
    UniqueConstraint("key", "channel"),
    Index("ix_outbox_due", "sent_at", "due_at"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("process", Text, nullable=False),
)

# The documents that agreements link to, by their addresses: what the journal tells of each, when it was asked
# for last, and what it says of itself.
documents = Table(
    "documents",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("url", Text, nullable=False),
    # posted, gone; new until it was had for the first time
    Column("state", String(8), nullable=False),
    Column("sha256", String(64)),
    Column("published_name", Text),
    Column("bytes", BigInteger),
    Column("last_modified", Text),
    Column("etag", Text),
    Column("first_at", UtcTime),
    Column("changed_at", UtcTime),
    Column("checked_at", UtcTime),
    # why it could not be had when it was asked for last
    Column("trouble", Text),
    Column("pages", Integer),
    Column("said", Json),
    Column("read_by", Integer),
)

document_events = Table(
    "document_events",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("document_id", String(16), nullable=False),
    Column("url", Text, nullable=False),
    # what became of the document: posted, replaced, gone or returned
    Column("kind", String(8), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("sha256", String(64)),
    Column("previous_sha256", String(64)),
    Index("ix_document_events_document", "document_id", "at"),
    Index("ix_document_events_at", "at"),
)

# The journal as far as this database has taken it in: a rebuild starts from nothing, beside it.
taken = Table(
    "taken",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entries", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("head", String(64), nullable=False),
)

# Where each agreement is, as what the list last said of it means (pipelines.places). `fips` holds the counties,
# one blank between two of them.
places = Table(
    "places",
    metadata,
    Column("agreement_id", String(16), primary_key=True),
    Column("list", Key, nullable=False),
    Column("level", String(16)),
    Column("fips", Text, nullable=False),
    Column("place", Integer),
    Column("ori", String(9)),
    Column("population", Integer),
    Column("officers", Integer),
    Column("evidence", Json, nullable=False),
    Index("ix_places_list", "list"),
)

# What people said of where an agreement is; it goes before what the rules find.
place_words = Table(
    "place_words",
    metadata,
    Column("agreement_id", String(16), primary_key=True),
    Column("fips", Text),
    Column("ori", String(9)),
    Column("by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("note", Text, nullable=False),
)
