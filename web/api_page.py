"""The page about the API, made from its own description."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/api")
def api(request: Request) -> HTMLResponse:
    described = request.app.openapi()["paths"]
    addresses = [
        (method.upper(), address, told.get("description", ""), _names(told))
        for address, methods in described.items()
        for method, told in methods.items()
    ]
    return page(request, "api.html", live=True, addresses=addresses)


def _names(told: dict[str, Any]) -> list[str]:
    return [parameter["name"] for parameter in told.get("parameters", ())]
