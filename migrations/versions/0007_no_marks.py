"""No more checksums of rows: whoever can edit a row could edit its checksum, so they proved nothing to anybody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("marks")


def downgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("table", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("table", "key", name=op.f("pk_marks")),
    )
