"""The application: every page, every answer, and what stands before them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import GZipMiddleware

from pipelines.installation import Installation
from scraper.errors import CountersignError, DatabaseError, ListError, UsageError
from scraper.settings import version
from web import agencies, api, changes, exports, feeds, files, lists, maps, overview, reports, runs, sign_in
from web.answers import Answers
from web.context import Context
from web.keys import Keys
from web.query import refuse_unknown
from web.rendering import FOLDER, sorry, templates
from web.runs import Crawls
from web.security import LOG, Guard
from web.sign_in import RefusedActionError

BODY_LIMIT = 262_144
API = "/api/"
NOWHERE = "There is nothing at this address."
ROUTERS = (
    *(
        module.router
        for module in (
            exports,
            overview,
            changes,
            agencies,
            lists,
            maps,
            runs,
            files,
            reports,
            feeds,
            sign_in,
        )
    ),
    api.about,
    api.router,
    api.actions,
)


TAGS = {
    "changes": "What each publication says differently from the one before.",
    "agencies": "Agencies and their states.",
    "lists": "The lists that are watched, and what they said when.",
    "reports": "What a period adds up to, and public statements held against it.",
    "operations": "How the installation is doing.",
    "actions": "With the token, or signed in.",
}


def create_app(
    installation: Installation, token: str | None = None, hosts: Collection[str] = (), *, site: bool = False
) -> FastAPI:
    """The web of one installation. Nobody may act when `token` is None.

    `hosts` are the names, beside loopback, under which these pages may be asked for. `site` pages become
    files: nothing in them asks a server, and what a page would show in portions it shows whole.
    """
    crawls = Crawls(installation)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await crawls.end()

    app = FastAPI(
        title="Countersign",
        version=version(),
        description="Who newly signed, left or was corrected on published agreement lists, with evidence.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        servers=[{"url": installation.settings.public_url or "/"}],
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        generate_unique_id_function=lambda route: (
            f"{'do' if 'POST' in (route.methods or ()) else 'get'}_{route.name}"
        ),
        lifespan=lifespan,
    )
    app.state.context = context = Context(
        installation, templates(installation.lists, site=site), Keys(token), crawls, site
    )
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(refuse_unknown)])
    app.mount("/static", StaticFiles(directory=FOLDER / "static"))
    _answer_errors(app)
    app.add_middleware(Answers, versions=context.versions)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=BODY_LIMIT)
    app.add_middleware(Guard, hosts=tuple(hosts), cors=installation.settings.cors)
    return app


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(CountersignError)
    def _ours(request: Request, error: CountersignError) -> Response:
        status = 404 if isinstance(error, ListError) else 422 if isinstance(error, UsageError) else 503
        return _error(request, status, str(error))

    @app.exception_handler(DatabaseError)
    @app.exception_handler(SQLAlchemyError)
    def _database(request: Request, error: DatabaseError | SQLAlchemyError) -> Response:
        # What the driver says may name the database's address and user.
        LOG.error(
            "The database failed: %s", error if isinstance(error, DatabaseError) else type(error).__name__
        )
        return _error(request, 503, f"The database does not answer ({type(error).__name__}). Try again.")

    @app.exception_handler(RefusedActionError)
    def _refused(request: Request, error: RefusedActionError) -> Response:
        if error.status == 401 and not request.url.path.startswith(API) and request.method == "POST":
            return RedirectResponse("/sign-in", 303)
        answer = _error(request, error.status, error.text)
        if error.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        if error.wait:
            answer.headers["Retry-After"] = str(error.wait)
        return answer

    @app.exception_handler(RequestValidationError)
    def _malformed(request: Request, error: RequestValidationError) -> Response:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in error.errors()
        )
        return _error(request, 422, wrong)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        said = NOWHERE if error.detail == "Not Found" else str(error.detail)
        answer = _error(request, error.status_code, said)
        answer.headers.update(error.headers or {})
        return answer


def _error(request: Request, status: int, text: str) -> Response:
    if request.url.path.startswith(API):
        return JSONResponse({"error": text}, status)
    try:
        return sorry(request, status, text)
    except (CountersignError, SQLAlchemyError):
        # Without the database not even the frame of a page can be drawn.
        return PlainTextResponse(f"{text}\n", status)
