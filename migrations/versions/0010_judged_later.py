"""Sheet rows of every publication, what later lists said of changes, and what became of applications.

They are derived: `countersign rebuild` fills them for what was recorded before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sheet_rows",
        sa.Column("list", KEY, primary_key=True),
        sa.Column("place", KEY, primary_key=True),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "settlements",
        sa.Column("change_id", sa.String(16), primary_key=True),
        sa.Column("list", KEY, nullable=False),
        sa.Column("pair", sa.String(16)),
        sa.Column("newly_signed", sa.Boolean()),
        sa.Column("new_agency", sa.Boolean()),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settled_at", KEY),
    )
    op.create_index("ix_settlements_list", "settlements", ["list"])
    op.create_table(
        "applications",
        sa.Column("list", KEY, primary_key=True),
        sa.Column("agreement_id", sa.String(16), primary_key=True),
        sa.Column("since", KEY, primary_key=True),
        sa.Column("until", KEY),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("at_least", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(2)),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("support_type", sa.Text()),
        sa.Column("became_list", KEY),
        sa.Column("became_id", sa.String(16)),
        sa.Column("became_since", KEY),
        sa.Column("became_signed", sa.String(10)),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.JSON()),
    )
    op.create_index("ix_applications_became", "applications", ["became_id"])
    op.create_index("ix_applications_agreement", "applications", ["agreement_id"])


def downgrade() -> None:
    for table in ("applications", "settlements", "sheet_rows"):
        op.drop_table(table)
