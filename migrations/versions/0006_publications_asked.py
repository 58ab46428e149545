"""Indexes for what is asked of the publications of all lists together: which wait, the newest, what came since."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_publications_place": ["place"],
    "ix_publications_state_place": ["state", "place"],
    "ix_publications_recorded": ["recorded_at"],
    "ix_publications_decided": ["decided_at"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "publications", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "publications")
