"""The data dictionary: every table and column that leaves as data, declared once.

The CSV headers, the Parquet types, the data package's schemas and the page that explains them all come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.values import LEVELS

Type = Literal["string", "integer", "number", "boolean", "date", "datetime", "array", "object"]


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is the data package's; `required` columns are never empty."""

    name: str
    type: Type
    text: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. `key` names its rows; `points` maps columns to the table and column they name."""

    name: str
    title: str
    text: str
    columns: Sequence[Column]
    key: tuple[str, ...]
    points: Sequence[tuple[str, str, str]] = ()

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def schema(self) -> dict[str, Any]:
        """The table schema of the data package."""
        told: dict[str, Any] = {
            "fields": [_field(column) for column in self.columns],
            "missingValues": [""],
            "primaryKey": list(self.key),
        }
        if self.points:
            told["foreignKeys"] = [
                {"fields": [column], "reference": {"resource": sheet, "fields": [other]}}
                for column, sheet, other in self.points
            ]
        return told


def _field(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column.name, "type": column.type, "description": column.text}
    if column.type == "datetime":
        told["format"] = "%Y-%m-%dT%H:%M:%SZ"
    if column.type == "boolean":
        told |= {"trueValues": ["true"], "falseValues": ["false"]}
    return told | ({"constraints": {"required": True}} if column.required else {})


_LIST = Column("list", "string", "The published list.", True)
_STATE = Column("state", "string", "Two letters of the state or territory.")
_SUPPORT = Column("support_type", "string", "JEM (Jail Enforcement Model), TFM (Task Force Model), WSO "
                  "(Warrant Service Officer), or what the list prints when it is none of these.")  # fmt: skip
_SIGNED = Column("signed", "date", "Signing date, as far as the list has a readable one.")
_AGREEMENT = Column(
    "agreement_id", "string", "The agreement, the same through corrections and rebuilds.", True
)
_AGENCY = Column("agency_id", "string", "The agency, the same through corrections and rebuilds.", True)
_ROW = Column("row", "integer", "Row of the sheet, the header being row 1.")
_PUBLISHED = Column(
    "published_at", "datetime", "When the list was published, by the best evidence (UTC).", True
)
_CAPTURED = Column("captured_at", "datetime", "When the file was fetched or saved (UTC).", True)
_RECORDED = Column("recorded_at", "datetime", "When this installation learned of it (UTC).", True)
_FILE = Column("published_name", "string", "Name under which the file was published.", True)
_SHA = Column("sha256", "string", "SHA-256 of the file's bytes.", True)

_WHERE = (
    Column("level", "string", "Of which level the body is: " + ", ".join(LEVELS) + "."),
    Column("fips", "array", "FIPS codes of its counties; several for bodies of several."),
    Column("place", "integer", "GeoNames id of its town."),
    Column("ori", "string", "The FBI's number of the agency."),
    Column(
        "population",
        "integer",
        "People that the agency serves beside others, by the FBI. Never to be added up.",
    ),
    Column("officers", "integer", "Officers of the agency, by the FBI."),
    Column(
        "place_evidence",
        "array",
        "Of each of these facts: register, row, rule and score; or why it is unknown.",
    ),
)

AGREEMENTS = Sheet(
    "agreements",
    "Agreements with validity intervals",
    "What each list said of each agreement, from one publication until another. A row without `valid_until` "
    "is what the list says now; a list as of a date is the rows whose interval holds the date.",
    (
        _LIST, _AGREEMENT, _AGENCY,
        Column("valid_from", "datetime", "Publication time of the first list that says so (UTC).", True),
        Column("valid_until", "datetime", "Publication time of the first list that does not (UTC)."),
        Column("from_publication", "string", "Key of the first publication that says so.", True),
        Column("until_publication", "string", "Key of the first publication that does not."),
        Column("row", "integer", "Row of the sheet in the first of these publications, the header being row 1.", True),
        _STATE,
        Column("agency", "string", "Name of the agency in normal form.", True),
        Column("type", "string", "Type of agency as printed. Empty when blank or when the list has no such column."),
        Column("county", "string", "County as printed."),
        _SUPPORT, _SIGNED,
        Column("moa", "string", "Address of the agreement document, or `pending` when one is promised."),
        Column("addendum", "string", "Address of the addendum, or `pending` when one is promised."),
        Column("extra", "object", "Columns of the list that are not named here, by header."),
        Column("printed", "object", "The publisher's own text of the fields where it differs from the normal form."),
        *_WHERE,
    ),
    ("list", "agreement_id", "from_publication"),
    (("from_publication", "publications", "key"), ("until_publication", "publications", "key")),
)  # fmt: skip

CHANGES = Sheet(
    "changes",
    "Change log",
    "What each publication says differently from the last accepted one. The first publication of a list is its "
    "baseline and records no changes.",
    (
        Column("id", "string", "The change, the same whenever it is derived.", True),
        _LIST,
        Column("kind", "string", "added, removed, returned, renamed or amended.", True),
        _PUBLISHED, _CAPTURED, _RECORDED, _FILE, _SHA,
        Column("previous_sha256", "string", "SHA-256 of the last accepted file before this one."),
        Column("row", "integer", "Row of the sheet; none when removed."),
        _STATE,
        Column("agency", "string", "Name of the agency as the list now says it.", True),
        _AGENCY, _AGREEMENT, _SUPPORT, _SIGNED,
        Column("before", "object", "The fields that differ, before; the whole record when removed."),
        Column("after", "object", "The fields that differ, after; the whole record when added."),
        Column("rule", "string", "How it was decided which agreement this is.", True),
        Column("score", "number", "How sure that decision is, 0 to 1.", True),
        Column("evidence", "array", "What else supports the decision."),
        Column("newly_signed", "boolean", "Of an added agreement: signed shortly before publication."),
        Column("new_agency", "boolean", "Of an added agreement: no other agreement of the agency was active."),
        Column("pending_since", "date", "Of an added agreement: on the list of applications since."),
        *_WHERE,
        Column("title", "string", "The change in one line.", True),
        Column("review_status", "string", "A person's verdict: confirmed, disputed or ignored."),
        Column("review_by", "string", "Who gave it."),
        Column("review_at", "datetime", "When (UTC)."),
        Column("review_note", "string", "Why."),
    ),
    ("id",),
)  # fmt: skip

AGENCIES = Sheet(
    "agencies",
    "Agencies",
    "Every agency that a list ever named.",
    (
        _LIST, _AGENCY, _STATE,
        Column("agency", "string", "Its name as last listed.", True),
        Column("other_names", "array", "Other names and states under which it was ever listed."),
        Column("agreements_now", "integer", "How many agreements it has on the newest list.", True),
        Column("agreements_ever", "integer", "How many different agreements it ever had.", True),
        Column("first_listed", "datetime", "Publication time of the first list with it (UTC).", True),
        Column("left_at", "datetime", "Publication time of the first list without it; empty while it is listed (UTC)."),
    ),
    ("list", "agency_id"),
)  # fmt: skip

PUBLICATIONS = Sheet(
    "publications",
    "Publications",
    "Every list that was published, whatever became of it.",
    (
        Column("key", "string", "The publication.", True),
        _LIST, _PUBLISHED,
        Column("basis", "string", "How that time is known: workbook, last-modified, name or capture.", True),
        _CAPTURED, _RECORDED, _FILE, _SHA,
        Column("previous_sha256", "string", "SHA-256 of the accepted file that it was compared with."),
        Column("state", "string", "recorded, unchanged, held, cleared (held, then put right by a later list), "
               "rejected, retracted, unreadable, failed, or new (not looked at yet).", True),
        Column("agreements", "integer", "Rows of the list."),
        Column("agencies", "integer", "Different agencies on it."),
        Column("by_state", "object", "Rows by state."),
        Column("by_support_type", "object", "Rows by support type."),
        Column("counts", "object", "Changes by kind."),
        Column("reasons", "array", "Why it was held, if it was."),
        Column("verdict", "string", "accept, reject, or clear when the server itself went back."),
        Column("decided_by", "string", "Who decided."),
        Column("decided_at", "datetime", "When (UTC)."),
        Column("note", "string", "Why."),
    ),
    ("key",),
)  # fmt: skip

SHEETS = (PUBLICATIONS, AGREEMENTS, CHANGES, AGENCIES)


def dictionary_page() -> str:
    """The dictionary as Markdown."""
    parts = [
        "# Data dictionary\n",
        "Each table is here as CSV (UTF-8, comma, one header row) and as Parquet with the same columns. "
        "`datapackage.json` describes the CSV files by the Frictionless standard, with their hashes.\n",
        "An empty cell of a CSV file is no value. Times are UTC. Columns of type `array` and `object` hold JSON. "
        "In CSV, a text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@` or a "
        "control character) has an apostrophe before it; Parquet has the text itself.\n",
    ]
    for sheet in SHEETS:
        parts.append(f"## {sheet.name}\n\n{sheet.text}\n")
        parts.append(f"Key: {', '.join(f'`{name}`' for name in sheet.key)}.\n")
        parts += [f"`{column}` names `{other}` of `{target}`.\n" for column, target, other in sheet.points]
        rows = ["| column | type | meaning |", "|---|---|---|"]
        rows += [
            f"| `{column.name}` | {column.type}{'' if column.required else ', may be empty'} | {column.text} |"
            for column in sheet.columns
        ]
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)
