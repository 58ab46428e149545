"""What to say when the database refuses: where a driver's error becomes a sentence with advice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError

from scraper.errors import DatabaseError

_MAKE_AGAIN = (
    "Move it away and run `countersign rebuild`: the archive holds all that is needed to make it again"
)

# The beginning of SQLite's name of an error.
_SQLITE = {
    "SQLITE_FULL": "the disk is full. Free some space and run the command again",
    "SQLITE_IOERR": "the disk cannot be read or written. It may be full: free some space, and try again",
    "SQLITE_BUSY": "another process keeps it locked. Wait for it to end, or end it, and try again",
    "SQLITE_LOCKED": "another process keeps it locked. Wait for it to end, or end it, and try again",
    "SQLITE_READONLY": "it cannot be written. Run as the owner of COUNTERSIGN_HOME, or correct permissions",
    "SQLITE_PERM": "permission denied. Run as the owner of COUNTERSIGN_HOME, or correct its permissions",
    "SQLITE_AUTH": "permission denied. Run as the owner of COUNTERSIGN_HOME, or correct its permissions",
    "SQLITE_CANTOPEN": "its file cannot be opened. Check that COUNTERSIGN_HOME exists and may be written",
    "SQLITE_CORRUPT": f"its file is damaged. {_MAKE_AGAIN}",
    "SQLITE_NOTADB": f"its file is no SQLite database, or is damaged. {_MAKE_AGAIN}",
    "SQLITE_TOOBIG": f"it holds a value that is too large to be ours. {_MAKE_AGAIN}",
}
# The beginning of PostgreSQL's code of an error (its appendix A).
_POSTGRESQL = {
    "53100": "the disk of the server is full. Free some space and run the command again",
    "53": "the server has no connection or memory left. Try again later",
    "57": "the server is shutting down or restarting. Run the command again when it is back",
    "08": "the connection was lost. Run the command again when the server is back",
    "25006": "it may only be read. Name the primary server in COUNTERSIGN_DATABASE_URL",
    "28": "the server refuses this user or password. Correct COUNTERSIGN_DATABASE_URL",
    "3D000": "the server has no database of this name. Create it, or correct COUNTERSIGN_DATABASE_URL",
    "42501": "this user may not do that. Grant it the rights, or name another in COUNTERSIGN_DATABASE_URL",
    "42P01": f"it lacks a table that it should have. {_MAKE_AGAIN}",
    "42703": f"it lacks a column that it should have. {_MAKE_AGAIN}",
    "55P03": "another process keeps it locked. Wait for it to end, or end it, and try again",
    "40": "another process was in the way. Run the command again",
    "XX": "the server reports damage. Look into its log before anything else",
}


def explain_refusals(engine: Engine) -> None:
    """From now on a refusal of this engine's database is a DatabaseError, wherever it happens."""
    event.listen(engine, "handle_error", _explain)


def _explain(context: ExceptionContext) -> DatabaseError | None:
    """What is raised instead; None leaves the error as it is."""
    refusal = context.original_exception
    # A connection that is found dead before its use is replaced, if the error is left as it is.
    if context.is_pre_ping or isinstance(context.sqlalchemy_exception, IntegrityError):
        return None
    return refused(refusal)


def refused(refusal: BaseException) -> DatabaseError | None:
    """What to raise instead of a driver's error; None when it is no refusal of the database's."""
    why = _why(refusal)
    if why is None:
        return None
    return DatabaseError(
        f"The database refused: {why}. What was not finished was undone. ({_first_line(refusal)})"
    )


def _why(refusal: BaseException) -> str | None:
    """None when it is no refusal of the database's but a mistake of ours."""
    name: str | None = getattr(refusal, "sqlite_errorname", None)
    if name is not None:
        text = str(refusal)
        if name == "SQLITE_ERROR" and text.startswith(("no such table", "no such column")):
            return f"it lacks a table or column that it should have. {_MAKE_AGAIN}"
        return _of(name, _SQLITE)
    if type(refusal).__module__.partition(".")[0] != "psycopg":
        return _undecodable(refusal)
    code: str | None = getattr(refusal, "sqlstate", None)
    if code is None and type(refusal).__name__ in ("OperationalError", "ConnectionTimeout"):
        return "the server cannot be reached. Try again when it is back, or correct COUNTERSIGN_DATABASE_URL"
    return _of(code or "", _POSTGRESQL)


def _undecodable(refusal: BaseException) -> str | None:
    # sqlite3 gives this one no code: text that was written by a hand, or by a failing disk.
    if "Could not decode to UTF-8" in str(refusal):
        return f"it holds text that is not ours. {_MAKE_AGAIN}"
    return None


def _of(code: str, sentences: dict[str, str]) -> str | None:
    return next((said for start, said in sentences.items() if code.startswith(start)), None)


def _first_line(error: Any) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
