"""`mcp`: read-only tools for assistants (Model Context Protocol), over stdio or streamable HTTP.

Each tool asks the same API that the page's readers ask, so that an assistant hears what everybody hears. What the
record does not hold is answered so, with the reason; nothing is estimated, and long answers are cut with a count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scraper.errors import UsageError

if TYPE_CHECKING:
    from httpx import AsyncClient
    from mcp.server import MCPServer

    from pipelines.installation import Installation

API = "http://localhost/api/v1"
MOST = 200  # agreements or changes in one answer
SOME = 50
INSTRUCTIONS = """\
Published agreement lists (ICE's 287(g) lists unless others are declared): who is on them, and what changed when.
Every answer says as of which publication it speaks, and carries ids, dates and the hash of the file it rests on.
An agreement is not an agency (one agency may hold several). "Added" means listed for the first time; only
`newly_signed` says that it was signed lately. An answer with "answered": false means that the record does not
hold it: say so instead of guessing."""


def add_to(app: typer.Typer) -> None:
    app.command(name="mcp")(serve_tools)


def serve_tools(
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen at, with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at, with --http.", min=1, max=65535)] = 8288,
) -> int:
    """Read-only tools for assistants: lists, changes, show, agency, report, claim, evidence."""
    try:
        import mcp  # noqa: F401
    except ImportError:
        raise UsageError("The mcp package is not installed: pip install 'countersign[mcp]'.") from None
    from pipelines.installation import open_installation

    server = tools(open_installation())
    if http:
        server.run("streamable-http", host=host, port=port)
    else:
        server.run("stdio")
    return 0


def tools(installation: Installation) -> MCPServer:
    from httpx import ASGITransport, AsyncClient
    from mcp.server import MCPServer
    from mcp.types import ToolAnnotations

    from scraper.settings import version
    from web.app import create_app

    client = AsyncClient(transport=ASGITransport(create_app(installation)))
    server = MCPServer("countersign", instructions=INSTRUCTIONS, version=version(), log_level="WARNING")
    asked = _Asked(installation, client)
    for tool in (
        asked.lists, asked.changes, asked.show, asked.agency, asked.report, asked.claim, asked.evidence
    ):  # fmt: skip
        server.add_tool(
            tool,
            annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
            structured_output=False,
        )
    return server


class _Asked:
    """The tools. A parameter that is left out is not asked for."""

    def __init__(self, installation: Installation, client: AsyncClient) -> None:
        self._installation = installation
        self._client = client

    async def lists(self) -> dict[str, Any]:
        """The lists that are watched, with the newest publication of each: totals, name, hash."""
        return await self._answer({"lists": await self._get("/lists")})

    async def changes(
        self,
        list: str | None = None,  # noqa: A002 - the name that every other door has
        since: str | None = None,
        until: str | None = None,
        kind: Literal["added", "removed", "returned", "renamed", "amended"] | None = None,
        state: str | None = None,
        agency: str | None = None,
        newest_first: bool = True,
        after: str | None = None,
        limit: int = SOME,
    ) -> dict[str, Any]:
        """The change log: from `since` on, before `until` (days of publication, 2025-05-12).

        `state` has two letters; `agency` are words of its name; `after` is the `next` of the answer before.
        """
        found = await self._get(
            "/changes",
            list=list, since=since, until=until, kind=kind, state=state, agency=agency, after=after,
            order="newest" if newest_first else "oldest", limit=max(1, min(limit, MOST)),
        )  # fmt: skip
        return await self._answer(found)

    async def show(
        self,
        list: str,  # noqa: A002
        as_of: str | None = None,
        state: str | None = None,
        agency: str | None = None,
        support_type: str | None = None,
        limit: int = SOME,
    ) -> dict[str, Any]:
        """A list as it was published on a day (the newest otherwise): totals, and the agreements that fit."""
        found = await self._get("/agreements", list=list, as_of=as_of)
        if "agreements" in found:
            words = (agency or "").casefold().split()
            fitting = [
                one
                for one in found["agreements"]
                if (not state or (one.get("state") or "").casefold() == state.casefold())
                and (
                    not support_type or (one.get("support_type") or "").casefold() == support_type.casefold()
                )
                and all(word in (one.get("agency") or "").casefold() for word in words)
            ]
            found = {
                **found,
                "agreements_that_fit": len(fitting),
                "agencies_that_fit": len({one.get("agency_id") for one in fitting}),
            }
            _cut(found, "agreements", fitting, limit)
        return await self._answer(found)

    async def agency(self, text: str) -> dict[str, Any]:
        """The life of an agency by its id or by words of its name: agreements, changes, documents, source rows.

        When the words fit several agencies they are named, and one has to be asked for by its id.
        """
        life: dict[str, Any] = await self._get(f"/agencies/{text}") if _is_id(text) else {"answered": False}
        if not life.get("answered", True):
            found = await self._get("/agencies", q=text)
            agencies = found.get("agencies", [])
            if len(agencies) == 1:
                life = await self._get(f"/agencies/{agencies[0]['agency_id']}")
            elif agencies:
                life = {"agencies": agencies[:SOME], "agencies_that_fit": len(agencies)}
            else:
                life = _not_held(f"No agency was ever listed whose name holds {text!r}.")
        if len(life.get("changes", ())) > SOME:
            _cut(life, "changes", life["changes"], SOME)
        return await self._answer(life)

    async def report(
        self,
        list: str | None = None,  # noqa: A002
        week: str | None = None,
        since: str | None = None,
        until: str | None = None,
        baseline: str | None = None,
    ) -> dict[str, Any]:
        """A week (2025-W20) or any days: totals, what was added, newly signed, removed, against a baseline."""
        found = await self._get("/report", list=list, week=week, since=since, until=until, baseline=baseline)
        if "changes" in found:
            _cut(found, "changes", found["changes"], SOME)
        return await self._answer(found)

    async def claim(self, text: str, as_of: str | None = None, list: str | None = None) -> dict[str, Any]:  # noqa: A002
        """A public statement's figures, each held against what was published, counted every sensible way."""
        return await self._answer(await self._get("/claim", text=text, as_of=as_of, list=list))

    async def evidence(
        self,
        change: str | None = None,
        name: str | None = None,
        list: str | None = None,  # noqa: A002
        on: str | None = None,
    ) -> dict[str, Any]:
        """What a change rests on (by its id); or whether an agency (`name`) stood on a `list` `on` a day."""
        from changelog.evidence.presence import presence
        from scraper.errors import CountersignError

        if change:
            return await self._answer(await self._get(f"/changes/{change}"))
        if not (name and list and on):
            return await self._answer(_not_held("Name a change; or a name, a list and a day (on)."))
        try:
            told, _ = presence(self._installation, name, list, on)
        except CountersignError as error:
            told = _not_held(str(error))
        return await self._answer(told)

    async def _get(self, path: str, **asked: Any) -> Any:
        given = {key: str(value) for key, value in asked.items() if value is not None}
        answer = await self._client.get(API + path, params=given)
        told = answer.json()
        if answer.status_code == 200:
            return told
        return _not_held(_reason(told))

    async def _answer(self, told: dict[str, Any]) -> dict[str, Any]:
        """With as of which publication of each list it speaks, and where a person can read on."""
        newest = {}
        for one in await self._get("/lists"):
            found = (await self._get("/publications", list=one["name"], limit=MOST))["publications"]
            newest[one["name"]] = next(
                (
                    {name: row[name] for name in ("published_at", "published_name", "sha256")}
                    | {"total_agreements": row["total_agreements"], "total_agencies": row["total_agencies"]}
                    for row in found
                    if row["state"] in ("recorded", "unchanged")
                ),
                None,
            )
        link = (
            {"page": self._installation.settings.public_url} if self._installation.settings.public_url else {}
        )
        as_of = max((one["published_at"] for one in newest.values() if one), default=None)
        return {"newest": newest, "as_of": as_of, **link, **told}


def _cut(told: dict[str, Any], name: str, all_of_it: list[Any], limit: int) -> None:
    shown = all_of_it[: max(1, min(limit, MOST))]
    told[name] = shown
    if len(shown) < len(all_of_it):
        told["cut"] = f"{len(shown)} of {len(all_of_it)} {name} are shown."


def _not_held(reason: str) -> dict[str, Any]:
    return {"answered": False, "reason": reason}


def _reason(told: dict[str, Any]) -> str:
    """The API's own words for what is wrong."""
    detail = told.get("detail", told.get("error", told))
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(map(str, one.get('loc', ())))}: {one.get('msg')}" for one in detail)
    return str(detail)


def _is_id(text: str) -> bool:
    return text[:1] == "a" and len(text) == 13 and all(sign in "0123456789abcdef" for sign in text[1:])
