"""A person's verdict on changes, from the change log's own form."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pipelines.run import review
from scraper.errors import UsageError
from web.context import room_of
from web.rendering import local
from web.sign_in import Acting

router = APIRouter(include_in_schema=False)
STATUSES = ("confirmed", "disputed", "ignored", "undone")


@router.post("/changes/review")
def review_changes(
    request: Request,
    person: Acting,
    status: Annotated[str, Form(max_length=20)],
    change: Annotated[list[str] | None, Form(max_length=1000)] = None,
    note: Annotated[str, Form(max_length=2000)] = "",
    target: Annotated[str, Form(alias="next", max_length=4000)] = "/changes",
) -> Response:
    if status not in STATUSES:
        raise UsageError(f"There is no status {status}. Choose one of: {', '.join(STATUSES)}.")
    if not change:
        raise UsageError("No change was chosen. Tick at least one, then say what you found.")
    review(room_of(request).house, change, status, person.name, note.strip())
    return RedirectResponse(local(target, "/changes"), 303)
