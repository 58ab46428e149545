"""Where each agreement is, and what people said of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

utc_time = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
key = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "places",
        sa.Column("agreement_id", sa.String(length=16), nullable=False),
        sa.Column("list", key, nullable=False),
        sa.Column("level", sa.String(length=16), nullable=True),
        sa.Column("fips", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("ori", sa.String(length=9), nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("officers", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_places")),
    )
    op.create_index("ix_places_list", "places", ["list"], unique=False)
    op.create_table(
        "place_words",
        sa.Column("agreement_id", sa.String(length=16), nullable=False),
        sa.Column("fips", sa.Text(), nullable=True),
        sa.Column("ori", sa.String(length=9), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", utc_time, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_place_words")),
    )
    op.execute(
        """
        CREATE VIEW places_now AS
        SELECT a.list, a.state, a.agency, a.support_type, a.signed, p.level, p.fips, p.place, p.ori,
               p.population, p.officers, p.evidence, a.agreement_id, a.agency_id
        FROM agreements_now a
        JOIN places p ON p.agreement_id = a.agreement_id
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW places_now")
    op.drop_table("place_words")
    op.drop_index("ix_places_list", table_name="places")
    op.drop_table("places")
