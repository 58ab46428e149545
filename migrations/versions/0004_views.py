"""Views for whoever opens the database with a tool of their own: agreements_now, change_log, agencies, batches.

A later migration that alters a table under them drops them first and makes them again.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Plain SQL that SQLite and PostgreSQL read alike. A place begins with the publication time.
VIEWS = {
    "agreements_now": """
        SELECT i.list, i.state, i.agency, i.support_type, i.signed, i.type, i.county, i.moa, i.addendum,
               substr(i.from_place, 1, 20) AS so_since, i."row" AS sheet_row,
               p.published_name, p.sha256, i.agreement_id, i.agency_id
        FROM intervals i
        JOIN publications p ON p.list = i.list AND p.place = i.from_place
        WHERE i.until_place IS NULL
    """,
    "change_log": """
        SELECT c.published_at, c.list, c.kind, c.state, c.agency, c.support_type, c.signed,
               c.newly_signed, c.new_agency, c.before, c.after, c.rule, c.score, c.evidence,
               r.status AS review_status, r."by" AS review_by, r.at AS review_at, r.note AS review_note,
               c."row" AS sheet_row, c.published_name, c.sha256, c.previous_sha256, c.captured_at,
               c.recorded_at, c.id, c.agreement_id, c.agency_id, c.seq
        FROM changes c
        LEFT JOIN reviews r ON r.change_id = c.id
    """,
    "agencies": """
        SELECT named.list, named.state, named.agency, counted.agreements_now, counted.agreements_ever,
               counted.first_listed, named.agency_id
        FROM (
            SELECT list, agency_id, state, agency,
                   row_number() OVER (PARTITION BY list, agency_id ORDER BY from_place DESC, id DESC) AS n
            FROM intervals
        ) named
        JOIN (
            SELECT list, agency_id,
                   count(DISTINCT CASE WHEN until_place IS NULL THEN agreement_id END) AS agreements_now,
                   count(DISTINCT agreement_id) AS agreements_ever,
                   substr(min(from_place), 1, 20) AS first_listed
            FROM intervals
            GROUP BY list, agency_id
        ) counted ON counted.list = named.list AND counted.agency_id = named.agency_id
        WHERE named.n = 1
    """,
    "batches": """
        SELECT p.published_at, p.list, p.state, p.agreements, p.agencies,
               coalesce(b.added, 0) AS added, coalesce(b.removed, 0) AS removed,
               coalesce(b.returned, 0) AS returned, coalesce(b.renamed, 0) AS renamed,
               coalesce(b.amended, 0) AS amended, coalesce(b.newly_signed, 0) AS newly_signed,
               coalesce(b.new_agencies, 0) AS new_agencies,
               p.published_name, p.sha256, p.previous_sha256, p.captured_at, p.recorded_at, p."key"
        FROM publications p
        LEFT JOIN (
            SELECT list, place,
                   sum(CASE WHEN kind = 'added' THEN 1 ELSE 0 END) AS added,
                   sum(CASE WHEN kind = 'removed' THEN 1 ELSE 0 END) AS removed,
                   sum(CASE WHEN kind = 'returned' THEN 1 ELSE 0 END) AS returned,
                   sum(CASE WHEN kind = 'renamed' THEN 1 ELSE 0 END) AS renamed,
                   sum(CASE WHEN kind = 'amended' THEN 1 ELSE 0 END) AS amended,
                   sum(CASE WHEN newly_signed THEN 1 ELSE 0 END) AS newly_signed,
                   count(DISTINCT CASE WHEN new_agency THEN agency_id END) AS new_agencies
            FROM changes
            GROUP BY list, place
        ) b ON b.list = p.list AND b.place = p.place
    """,
}


def upgrade() -> None:
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
