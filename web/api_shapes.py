"""What the API answers, for its documentation. Answers carry at least these fields."""

from __future__ import annotations

from builtins import list as many  # a field of most shapes is called list
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from web.security import Text


class Shape(BaseModel):
    model_config = ConfigDict(extra="allow")


class Trouble(Shape):
    error: str = Field(description="What is wrong, in a sentence.")


class ListShape(Shape):
    name: str
    title: str
    format: str
    address: str | None
    cadence: many[str]
    time_zone: str
    cadence_time_zone: str


class Publication(Shape):
    id: str
    list: str
    state: str = Field(
        description="new, recorded, unchanged, held, cleared, rejected, retracted, unreadable or failed"
    )
    published_at: str
    basis: str = Field(description="what told the time: workbook, last-modified, name or capture")
    captured_at: str
    recorded_at: str
    published_name: str
    sha256: str
    previous_sha256: str | None
    total_agreements: int | None
    total_agencies: int | None
    counts: dict[str, int]


class Publications(Shape):
    publications: many[Publication]
    next: str | None = Field(description="Ask again with `before` set to this for the page after.")


class Review(Shape):
    status: str
    by: str
    at: str
    note: str


class Change(Shape):
    id: str
    list: str
    kind: Literal["added", "removed", "returned", "renamed", "amended"]
    published_at: str
    captured_at: str
    recorded_at: str
    published_name: str
    sha256: str
    previous_sha256: str | None
    row: int | None
    state: str | None
    agency: str
    agency_id: str
    agreement_id: str
    support_type: str | None
    signed: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    rule: str
    score: float
    evidence: many[str]
    level: str | None = Field(
        default=None, description="Where the list has places: of which level the body is."
    )
    fips: many[str] | None = Field(default=None, description="FIPS codes of its counties.")
    place: int | None = Field(default=None, description="GeoNames id of its town.")
    ori: str | None = Field(default=None, description="The FBI's number of the agency.")
    population: int | None = Field(
        default=None, description="People whom it serves beside others, by the FBI."
    )
    officers: int | None = None
    place_evidence: many[dict[str, Any]] = Field(
        default_factory=many, description="Register, row, rule and score of each fact, or why it is unknown."
    )
    title: str
    review: Review | None


class Changes(Shape):
    changes: many[Change]
    next: str | None = Field(description="Ask again with `after` set to this for the page after.")


class FoundAgency(Shape):
    agency_id: str
    state: str | None
    agency: str
    lists: many[str]
    active_agreements: int


class Agencies(Shape):
    agencies: many[FoundAgency]


class Agency(Shape):
    agency_id: str
    agency_ids: many[str]
    state: str | None
    agency: str
    spellings: many[dict[str, Any]]
    documents: many[str]
    agreements: many[dict[str, Any]]
    changes: many[Change]


class State(Shape):
    state: str
    name: str
    lists: dict[str, dict[str, Any]]


class Agreements(Shape):
    list: str
    as_of: str | None
    known_at: str | None
    published_at: str
    captured_at: str
    recorded_at: str
    published_name: str
    sha256: str
    total_agreements: int
    total_agencies: int
    total_states: int
    by_support_type: dict[str, int]
    by_state: dict[str, int]
    agreements: many[dict[str, Any]]


class Report(Shape):
    list: str
    since: str
    until: str
    published_at: str
    total_agreements: int
    total_agencies: int
    added: int
    removed: int
    returned: int
    renamed: int
    amended: int
    net: int


class Claim(Shape):
    text: str
    as_of: str
    list: str
    standing: str = Field(description="What the lists of that day say.")
    figures: many[dict[str, Any]]
    unread: many[str]
    summary: str


class Run(Shape):
    id: int
    run_id: str
    list: str
    trigger: str
    by: str
    started_at: str
    ended_at: str | None
    outcome: str | None
    reason: str | None
    error: str | None
    requests: int | None
    bytes: int | None
    counts: dict[str, int]
    stages: dict[str, float]


class Runs(Shape):
    runs: many[Run]
    next: int | None = Field(description="Ask again with `before` set to this for the page after.")


class Held(Shape):
    id: str
    list: str
    published_at: str
    captured_at: str
    published_name: str
    sha256: str
    state: str = Field(description="held, cleared, accepted, rejected or retracted")
    reasons: many[dict[str, Any]]
    counts: dict[str, int]
    agreements: int | None


class Progress(Shape):
    running: bool
    began: str | None
    failed: str
    lists: many[dict[str, Any]]


class CrawlOrder(BaseModel):
    lists: many[Text] = Field(default_factory=list, max_length=100, description="All lists when empty.")


class Verdict(BaseModel):
    note: Text = Field(default="", max_length=2000)


class ReviewOrder(BaseModel):
    changes: many[Text] = Field(min_length=1, max_length=1000)
    status: Literal["confirmed", "disputed", "ignored", "undone"]
    note: Text = Field(default="", max_length=2000)
