"""Signing in and out, and the two ways to show the token: the cookie after a form, or a bearer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from web.context import context_of, person_of
from web.keys import COOKIE, LASTS_SECONDS, Person
from web.rendering import local, page
from web.security import Text

router = APIRouter(include_in_schema=False)
OFF = "Actions are off here: no COUNTERSIGN_TOKEN is set."


class RefusedActionError(Exception):
    """Whoever asks may not act. `status` is 401 (show the token), 403 (nobody may), 409, or 429."""

    def __init__(self, status: int, text: str, wait: int = 0) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.wait = wait


def acting(request: Request) -> Person:
    """Who acts. Raises RefusedActionError when nobody who may."""
    keys = context_of(request).keys
    if keys.token is None:
        raise RefusedActionError(403, OFF)
    scheme, _, offered = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        _check(request, offered.strip())
        return Person("token")
    person = person_of(request)
    if person is None:
        raise RefusedActionError(401, "Show the token first: sign in, or send it as a bearer.")
    return person


def may_see_originals(request: Request) -> bool:
    """Whether whoever asks has shown the token; a wrong one is still a wrong one."""
    if "authorization" not in request.headers and person_of(request) is None:
        return False
    acting(request)
    return True


def _check(request: Request, offered: str) -> None:
    keys, client = context_of(request).keys, request.client.host if request.client else ""
    if wait := keys.wait(client):
        raise RefusedActionError(429, f"Too many wrong tokens. Wait {wait} seconds.", wait)
    if not keys.fits(offered):
        keys.failed(client)
        raise RefusedActionError(401, "That is not the token.")


Acting = Annotated[Person, Depends(acting)]


@router.get("/sign-in")
def sign_in_form(request: Request, target: Annotated[str, Query(alias="next")] = "") -> HTMLResponse:
    return page(request, "sign_in.html", live=True, target=local(target), wrong="", name="")


@router.post("/sign-in")
def sign_in(
    request: Request,
    token: Annotated[Text, Form(max_length=1000)] = "",
    name: Annotated[Text, Form(max_length=80)] = "",
    target: Annotated[Text, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    keys, name = context_of(request).keys, " ".join(name.split())
    if keys.token is None:
        return page(request, "sign_in.html", 403, live=True, target=local(target), wrong=OFF, name=name)
    try:
        _check(request, token.strip())
    except RefusedActionError as refused:
        answer = page(
            request,
            "sign_in.html",
            refused.status,
            live=True,
            target=local(target),
            wrong=refused.text,
            name=name,
        )
        if refused.wait:
            answer.headers["Retry-After"] = str(refused.wait)
        return answer
    onward = RedirectResponse(local(target), 303)
    onward.set_cookie(
        COOKIE,
        keys.cookie(name or "someone with the token"),
        max_age=LASTS_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return onward


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer
