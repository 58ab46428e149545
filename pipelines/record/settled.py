"""Writing what later lists say of earlier changes, and what became of applications: anew, whenever a list has news."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from pipelines.applications import Application, join
from pipelines.hindsight import Event, Judged, settle
from pipelines.history.baseline import people_judged
from pipelines.history.lives import is_long, lives
from pipelines.history.publications import first_accepted
from pipelines.record.publications import insert_many
from pipelines.tables import applications, changes, settlements
from scraper.lists import PublishedList


def settle_lists(connection: Connection, lists: Mapping[str, PublishedList], names: Collection[str]) -> None:
    """Judge again what is open in the lists `names`, and join the lists of applications among them.

    The caller's transaction is that of their last publication. Of lists of very many rows nothing is judged again.
    """
    for name in sorted(names):
        declared = lists[name]
        if declared.of_agreements and not is_long(connection, (name,)):
            _settle(connection, declared)
        pending = declared.pending_list
        if pending is not None and pending in lists and {name, pending} & set(names):
            _join(connection, name, pending)


def _settle(connection: Connection, declared: PublishedList) -> None:
    c = changes.c
    rows = connection.execute(
        select(c.id, c.kind, c.place, c.agreement_id, c.rule, c.newly_signed, c.new_agency)
        .where(c.list == declared.name, c.kind.in_(("added", "removed")))
        .order_by(c.place, c.seq)
    )
    events = [Event(*row) for row in rows]
    known = {life.agreement_id: life for life in lives(connection, declared.name)}
    found = settle(events, known, declared.signed_window, Judged(*people_judged(connection)))
    connection.execute(delete(settlements).where(settlements.c.list == declared.name))
    insert_many(connection, settlements, ({"list": declared.name, **asdict(one)} for one in found))


def _join(connection: Connection, name: str, pending: str) -> None:
    connection.execute(delete(applications).where(applications.c.list == pending))
    first = first_accepted(connection, pending)
    if first is None:
        return
    alike = not is_long(connection, (name, pending))
    found = join(lives(connection, pending), lives(connection, name), first.place, alike=alike)
    insert_many(connection, applications, (_row(one, name, pending) for one in found))


def _row(one: Application, name: str, pending: str) -> dict[str, object]:
    became = one.agreement
    return {
        "list": pending,
        "agreement_id": one.application.agreement_id,
        "since": one.application.first,
        "until": one.application.until,
        "status": one.status,
        "at_least": one.at_least,
        "state": one.application.last.state,
        "agency": one.application.last.agency,
        "support_type": one.application.last.support_type,
        "became_list": name if became else None,
        "became_id": became.agreement_id if became else None,
        "became_since": became.first if became else None,
        "became_signed": str(one.signed) if one.signed else None,
        "rule": one.rule,
        "score": round(one.score, 4),
        "evidence": list(one.evidence) or None,
    }
