"""What a file says of when it was saved, and who saw it: a look at the live page is judged by them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty until `countersign rebuild` reads them from the archive.
    for name in ("saved_at", "last_modified"):
        text = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
        op.add_column("publications", sa.Column(name, text))
    op.add_column("publications", sa.Column("captured_by", sa.Text()))


def downgrade() -> None:
    for name in ("saved_at", "last_modified", "captured_by"):
        op.drop_column("publications", name)
