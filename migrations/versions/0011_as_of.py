"""A view of every list as it was published once: agreements_as_of. Findings that say the same are told once."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

PUBLICATIONS = sa.table(
    "publications", sa.column("id"), sa.column("findings", sa.JSON()), sa.column("reasons", sa.JSON())
)


def upgrade() -> None:
    op.execute(
        """
        CREATE VIEW agreements_as_of AS
        SELECT p.list, p.published_at, p.published_name, p.sha256, i.state, i.agency, i.support_type, i.signed, i.type,
               i.county, i.moa, i.addendum, i.agreement_id, i.agency_id, p."key" AS publication
        FROM publications p
        JOIN intervals i ON i.list = p.list AND i.from_place <= p.place
                        AND (i.until_place IS NULL OR i.until_place > p.place)
        WHERE p.state IN ('recorded', 'unchanged')
        """
    )
    _count_findings()


def _count_findings() -> None:
    bind, p = op.get_bind(), PUBLICATIONS.c
    for name in ("findings", "reasons"):
        column = p[name]
        for identifier, told in bind.execute(
            sa.select(p.id, column).where(sa.cast(column, sa.Text) != "null")
        ).all():
            if told and (counted := _counted(told)) != told:
                bind.execute(sa.update(PUBLICATIONS).where(p.id == identifier).values({name: counted}))


def _counted(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for finding in found:
        one = told.setdefault(
            json.dumps([finding["name"], finding["text"]]), {**finding, "count": 0, "rows": []}
        )
        one["count"] += 1
        if "row" in finding and len(one["rows"]) < 5:
            one["rows"].append(finding["row"])
    for one in told.values():
        if one["count"] == 1:
            del one["count"]
        if one["rows"] == [one.get("row")] or not one["rows"]:
            del one["rows"]
    return list(told.values())


def downgrade() -> None:
    op.execute("DROP VIEW agreements_as_of")
