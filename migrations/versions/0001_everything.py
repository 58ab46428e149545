"""Everything: publications, validity intervals, changes, verdicts, and the record of looks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

utc_time = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
key = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accepted",
        sa.Column("list", key, nullable=False),
        sa.Column("place", key, nullable=False),
        sa.Column("layout", sa.BigInteger(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("list", name=op.f("pk_accepted")),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("list", key, nullable=False),
        sa.Column("place", key, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", key, nullable=False),
        sa.Column("published_at", utc_time, nullable=False),
        sa.Column("captured_at", utc_time, nullable=False),
        sa.Column("recorded_at", utc_time, nullable=False),
        sa.Column("published_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=2), nullable=True),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("name_key", name, nullable=False),
        sa.Column("agency_id", sa.String(length=16), nullable=False),
        sa.Column("agreement_id", sa.String(length=16), nullable=False),
        sa.Column("support_type", sa.Text(), nullable=True),
        sa.Column("signed", sa.String(length=10), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("newly_signed", sa.Boolean(), nullable=True),
        sa.Column("new_agency", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index("ix_changes_agency_place", "changes", ["agency_id", "place", "list", "seq"], unique=False)
    op.create_index("ix_changes_agreement", "changes", ["agreement_id"], unique=False)
    op.create_index("ix_changes_kind_place", "changes", ["kind", "place", "list", "seq"], unique=False)
    op.create_index("ix_changes_list_kind_place", "changes", ["list", "kind", "place", "seq"], unique=False)
    op.create_index("ix_changes_list_place", "changes", ["list", "place", "seq"], unique=False)
    op.create_index("ix_changes_place", "changes", ["place", "list", "seq"], unique=False)
    op.create_index("ix_changes_state_place", "changes", ["state", "place", "list", "seq"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("id", big_id, nullable=False),
        sa.Column("list", key, nullable=False),
        sa.Column("kind", key, nullable=False),
        sa.Column("opened_at", utc_time, nullable=False),
        sa.Column("closed_at", utc_time, nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("last_at", utc_time, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("notices", sa.Integer(), nullable=False),
        sa.Column("noticed_at", utc_time, nullable=True),
        sa.Column("told", sa.String(length=8), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index("ix_incidents_open", "incidents", ["list", "kind", "closed_at"], unique=False)
    op.create_table(
        "intervals",
        sa.Column("id", big_id, nullable=False),
        sa.Column("list", key, nullable=False),
        sa.Column("agreement_id", sa.String(length=16), nullable=False),
        sa.Column("agency_id", sa.String(length=16), nullable=False),
        sa.Column("from_place", key, nullable=False),
        sa.Column("until_place", key, nullable=True),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=2), nullable=True),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("name_key", name, nullable=False),
        sa.Column("support_type", sa.Text(), nullable=True),
        sa.Column("signed", sa.String(length=10), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("moa", sa.Text(), nullable=True),
        sa.Column("addendum", sa.Text(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.Column("printed", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervals")),
    )
    op.create_index("ix_intervals_agency", "intervals", ["agency_id"], unique=False)
    op.create_index(
        "ix_intervals_agreement", "intervals", ["list", "agreement_id", "from_place"], unique=False
    )
    op.create_index("ix_intervals_list_from", "intervals", ["list", "from_place"], unique=False)
    op.create_index(
        "ix_intervals_list_until_from", "intervals", ["list", "until_place", "from_place"], unique=False
    )
    op.create_index("ix_intervals_name", "intervals", ["state", "name_key", "list"], unique=False)
    op.create_table(
        "judgements",
        sa.Column("id", big_id, nullable=False),
        sa.Column("state", sa.String(length=2), nullable=True),
        sa.Column("name_key", name, nullable=False),
        sa.Column("other_state", sa.String(length=2), nullable=True),
        sa.Column("other_name_key", name, nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", utc_time, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgements")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", utc_time, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", big_id, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", utc_time, nullable=False),
        sa.Column("due_at", utc_time, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", utc_time, nullable=True),
        sa.Column("gave_up_at", utc_time, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", "channel", name=op.f("uq_outbox_key_channel")),
    )
    op.create_index("ix_outbox_due", "outbox", ["sent_at", "due_at"], unique=False)
    op.create_table(
        "publications",
        sa.Column("id", big_id, nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("list", key, nullable=False),
        sa.Column("place", key, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_name", sa.Text(), nullable=False),
        sa.Column("published_at", utc_time, nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("captured_at", utc_time, nullable=False),
        sa.Column("recorded_at", utc_time, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=True),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=True),
        sa.Column("agreements", sa.Integer(), nullable=True),
        sa.Column("agencies", sa.Integer(), nullable=True),
        sa.Column("by_state", sa.JSON(), nullable=True),
        sa.Column("by_support_type", sa.JSON(), nullable=True),
        sa.Column("filled", sa.JSON(), nullable=True),
        sa.Column("content", sa.String(length=16), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.Column("page", sa.JSON(), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", utc_time, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("parser", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
        sa.UniqueConstraint("key", name=op.f("uq_publications_key")),
        sa.UniqueConstraint("list", "place", name=op.f("uq_publications_list_place")),
    )
    op.create_index(
        "ix_publications_list_state_place", "publications", ["list", "state", "place"], unique=False
    )
    op.create_index("ix_publications_sha256", "publications", ["sha256"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("change_id", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", utc_time, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_reviews")),
    )
    op.create_table(
        "runs",
        sa.Column("id", big_id, nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("list", key, nullable=False),
        sa.Column("trigger", sa.String(length=12), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("started_at", utc_time, nullable=False),
        sa.Column("ended_at", utc_time, nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.Column("stages", sa.JSON(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("process", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("run_id", "list", name=op.f("uq_runs_run_id_list")),
    )
    op.create_index("ix_runs_list_started", "runs", ["list", "started_at"], unique=False)
    op.create_index("ix_runs_open", "runs", ["ended_at", "process"], unique=False)
    op.create_index("ix_runs_started", "runs", ["started_at"], unique=False)
    op.create_table(
        "taken",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taken")),
    )
    op.create_table(
        "ticks",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("at", utc_time, nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ticks")),
    )
    op.create_table(
        "watched",
        sa.Column("list", key, nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("served_sha256", sa.String(length=64), nullable=True),
        sa.Column("served_since", utc_time, nullable=True),
        sa.Column("last_look", utc_time, nullable=True),
        sa.Column("last_success", utc_time, nullable=True),
        sa.Column("last_outcome", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("list", name=op.f("pk_watched")),
    )


def downgrade() -> None:

    op.drop_table("watched")
    op.drop_table("ticks")
    op.drop_table("taken")
    op.drop_index("ix_runs_started", table_name="runs")
    op.drop_index("ix_runs_open", table_name="runs")
    op.drop_index("ix_runs_list_started", table_name="runs")
    op.drop_table("runs")
    op.drop_table("reviews")
    op.drop_index("ix_publications_sha256", table_name="publications")
    op.drop_index("ix_publications_list_state_place", table_name="publications")
    op.drop_table("publications")
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("leases")
    op.drop_table("judgements")
    op.drop_index("ix_intervals_name", table_name="intervals")
    op.drop_index("ix_intervals_list_until_from", table_name="intervals")
    op.drop_index("ix_intervals_list_from", table_name="intervals")
    op.drop_index("ix_intervals_agreement", table_name="intervals")
    op.drop_index("ix_intervals_agency", table_name="intervals")
    op.drop_table("intervals")
    op.drop_index("ix_incidents_open", table_name="incidents")
    op.drop_table("incidents")
    op.drop_index("ix_changes_state_place", table_name="changes")
    op.drop_index("ix_changes_place", table_name="changes")
    op.drop_index("ix_changes_list_place", table_name="changes")
    op.drop_index("ix_changes_list_kind_place", table_name="changes")
    op.drop_index("ix_changes_kind_place", table_name="changes")
    op.drop_index("ix_changes_agreement", table_name="changes")
    op.drop_index("ix_changes_agency_place", table_name="changes")
    op.drop_table("changes")
    op.drop_table("accepted")
