"""Notices: owed with the change, worded when sent, in order for each list, once, whatever the receiver does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, update

from changelog.notice_texts import message
from changelog.notices import Delivered, deliver, report_runs, sign
from demo.made import BATCH, Week, weeks
from demo.publisher import Publisher
from pipelines.fetch_runs import fetch_lists
from pipelines.history.operations import count_owed
from pipelines.installation import Installation, open_installation, writing
from pipelines.maintenance import digest_due, maintain
from pipelines.rebuild import rebuild
from pipelines.record.notices import GIVES_UP_AFTER
from pipelines.record.runs import take_lease
from pipelines.run import replay
from pipelines.tables import outbox
from scraper.capture import Capture
from scraper.past_files import past_captures
from scraper.settings import Settings
from tests.changelog.receiver import HANGS, RESETS, Receiver

SECRET = "of these tests alone"  # noqa: S105 - it is what it says
SOON = timedelta(minutes=20)


async def fetched_and_told(installation: Installation) -> None:
    await report_runs(installation, await fetch_lists(installation, installation.chosen(()), "clock", "test"))


class Desk:
    """An installation that watches the playing publisher and tells a receiver."""

    def __init__(self, home: Path, publisher: Publisher, receiver: Receiver, **more: Any) -> None:
        values: dict[str, Any] = {
            "home": home,
            "webhook_url": f"{receiver.url}/hook/hidden-path",
            "webhook_secret": SecretStr(SECRET),
            "webhook_private": True,
            "timeout_seconds": 1,
            **more,
        }
        self.publisher, self.receiver = publisher, receiver
        self.at = datetime(2025, 9, 1, tzinfo=UTC)
        lists = publisher.lists()
        self.installation: Installation = replace(
            open_installation(Settings(**values), lists), now=lambda: self.at
        )

    def show(self, week: Week) -> None:
        publisher = self.publisher
        publisher.show_week(week)
        self.at = week.published_at + SOON

    def look(self, *names: str) -> None:
        asyncio.run(fetch_lists(self.installation, self.installation.chosen(names), "clock", "test"))

    def deliver(self) -> Delivered:
        return asyncio.run(deliver(self.installation))

    def deliver_all(self) -> None:
        for _ in range(50):
            self.deliver()
            with self.installation.engine.connect() as connection:
                if not count_owed(connection):
                    return
            self.at += timedelta(hours=3)
        pytest.fail("notices are still owed")

    def owed(self) -> int:
        with self.installation.engine.connect() as connection:
            return count_owed(connection)


@pytest.fixture
def desk(tmp_path: Path, home: Path, publisher: Publisher, receiver: Receiver) -> Desk:
    return Desk(tmp_path / "desk", publisher, receiver)


@pytest.fixture(scope="module")
def published() -> list[Week]:
    return weeks()


def test_a_publication_is_one_notice_with_its_count_first_lines_and_link(
    desk: Desk, published: list[Week]
) -> None:
    for week in published[:4]:
        desk.show(week)
        desk.look("participating")
    desk.deliver()
    last = desk.receiver.taken[-1]
    assert last["counts"]["added"] == BATCH == 55
    assert len(last["changes"]) == sum(last["counts"].values())
    told = message(
        desk.installation,
        {"kind": "publication", "list": "participating", "publication": last["publication"]},
    )
    assert told.title == "287(g) participating agencies: 55 added, 1 amended"
    assert told.text.count("\n- ") + told.text.startswith("- ") == 15
    assert "... and 41 more." in told.text
    assert desk.publisher.page_url in told.text
    # The first publication is the baseline and no news; the three after it are one notice each.
    assert [one["kind"] for one in desk.receiver.taken] == ["publication"] * 3


def test_each_notice_arrives_once_and_in_order_whatever_the_receiver_does(
    desk: Desk, published: list[Week]
) -> None:
    desk.receiver.moods = [500, HANGS, 200, RESETS, 503, 200, 429, 200, HANGS, 500, 200, 404]
    for week in published:
        desk.show(week)
        desk.look()
        desk.deliver()
    desk.deliver_all()
    taken = desk.receiver.taken
    ids = [one["id"] for one in taken]
    assert len(ids) == len(set(ids))
    for name in ("participating", "pending"):
        told = [one["published_at"] for one in taken if one["list"] == name]
        assert told == sorted(told)
        changed = [w for w in published[1:] if any(vars_of(w, name))]
        assert len(told) == len(changed)
    # What failed was tried again under the same id, about the same changes; what is judged again later (where an
    # agreement is, whether it was newly signed) is told as it is known when it is sent.
    bodies: dict[str, set[str]] = {}
    for one in desk.receiver.got:
        sent = json.loads(one.body)
        told_of = [
            [change[name] for name in ("id", "kind", "before", "after")] for change in sent.pop("changes")
        ]
        same = json.dumps([told_of, sent["publication"], sent["counts"]])
        bodies.setdefault(one.headers["Countersign-Notice"], set()).add(same)
    assert {len(tried) for tried in bodies.values()} == {1}
    desk.deliver()
    assert len(desk.receiver.taken) == len(taken)


def vars_of(week: Week, name: str) -> list[Any]:
    truth = week.truth[name]
    return [truth.added, truth.removed, truth.returned, truth.renamed, truth.amended]


def test_one_lists_trouble_does_not_keep_the_other_waiting(desk: Desk, published: list[Week]) -> None:
    for week in published[:3]:
        desk.show(week)
        desk.look()
    desk.receiver.moods = [500]
    first = desk.deliver()
    waiting = {row["list"] for row in desk.receiver.taken}
    assert first.waiting == 1
    assert len(waiting) == 1  # the other list's notices went out, both of them
    assert first.sent == 2
    assert desk.owed() == 2


def test_the_signature_is_that_of_the_body(desk: Desk, published: list[Week]) -> None:
    for week in published[:2]:
        desk.show(week)
        desk.look("participating")
    desk.deliver()
    [one] = desk.receiver.got
    assert one.headers["Countersign-Signature"] == sign(SECRET, one.body)
    assert sign("another secret", one.body) != one.headers["Countersign-Signature"]
    assert one.path == "/hook/hidden-path"


def test_two_processes_do_not_deliver_the_same(desk: Desk, published: list[Week]) -> None:
    for week in published[:2]:
        desk.show(week)
        desk.look()

    async def both() -> None:
        await asyncio.gather(deliver(desk.installation), deliver(desk.installation))

    asyncio.run(both())
    assert len(desk.receiver.got) == 2
    desk.show(published[2])
    desk.look()
    with writing(desk.installation) as connection:
        assert take_lease(connection, "outbox", "another process", desk.at)
    assert desk.deliver() == Delivered()
    assert desk.owed() == 2


def test_a_private_address_is_not_asked_unless_it_is_allowed(
    tmp_path: Path, home: Path, publisher: Publisher, receiver: Receiver, published: list[Week],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    desk = Desk(tmp_path / "desk", publisher, receiver, webhook_private=False)
    for week in published[:2]:
        desk.show(week)
        desk.look("participating")
    assert desk.deliver().waiting == 1
    assert receiver.got == []
    log = capsys.readouterr().err
    assert "COUNTERSIGN_WEBHOOK_PRIVATE" in log
    assert "hidden-path" not in log
    assert SECRET not in log


def test_filters_choose_lists_states_and_kinds(
    tmp_path: Path, home: Path, publisher: Publisher, receiver: Receiver, published: list[Week]
) -> None:
    desk = Desk(
        tmp_path / "desk", publisher, receiver,
        notify_lists=("participating",), notify_states=("FL",), notify_kinds=("added",),
    )  # fmt: skip
    for week in published:
        desk.show(week)
        desk.look()
    desk.deliver_all()
    assert desk.receiver.taken
    for one in desk.receiver.taken:
        assert one["list"] == "participating"
        assert {(change["state"], change["kind"]) for change in one["changes"]} == {("FL", "added")}


def test_replays_and_rebuilds_announce_nothing(desk: Desk, published: list[Week], tmp_path: Path) -> None:
    pairs = []
    for number, week in enumerate(published):
        path = tmp_path / f"{number}.xlsx"
        path.write_bytes(week.participating)
        capture = Capture(
            "participating", "", week.published_at + SOON, "fetched", published_name=path.name, by="replay"
        )
        pairs.append((capture, path))
    desk.show(published[-1])
    replay(desk.installation, pairs)
    assert desk.owed() == 0
    desk.look()
    rebuild(desk.installation)
    assert desk.owed() == 0


def test_a_rebuild_tells_nothing_twice(desk: Desk, published: list[Week]) -> None:
    for week in published[:3]:
        desk.show(week)
        desk.look()
    desk.deliver_all()
    told = len(desk.receiver.got)
    with writing(desk.installation) as connection:
        connection.execute(outbox.delete())
    rebuild(desk.installation)
    desk.look()
    assert desk.owed() == 0
    assert len(desk.receiver.got) == told


def test_a_users_own_template_is_used_and_a_broken_one_loses_nothing(
    desk: Desk, published: list[Week], capsys: pytest.CaptureFixture[str]
) -> None:
    for week in published[:2]:
        desk.show(week)
        desk.look("participating")
    desk.deliver()
    payload = {
        "kind": "publication",
        "list": "participating",
        "publication": desk.receiver.taken[0]["publication"],
    }
    own = desk.installation.settings.home / "templates"
    own.mkdir()
    (own / "publication.txt").write_text("{{ counts.added }} new\n{{ lines | first }}\n")
    told = message(desk.installation, payload)
    assert told.title == "12 new"
    assert told.text
    for broken in ("{{ nothing.there }}", "{% for %}", "{{ ''.__class__.__mro__ }}", "{{ 1 / 0 }}"):
        (own / "publication.txt").write_text(broken)
        assert message(desk.installation, payload).title.startswith("287(g) participating agencies")
    assert "your template is broken" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.*imghdr:DeprecationWarning")
def test_apprise_carries_the_words(
    tmp_path: Path, home: Path, publisher: Publisher, receiver: Receiver, published: list[Week]
) -> None:
    address = receiver.url.replace("http://", "json://") + "/apprise"
    desk = Desk(
        tmp_path / "desk", publisher, receiver, webhook_url=None, webhook_secret=None, notify=(address,)
    )
    for week in published[:2]:
        desk.show(week)
        desk.look("participating")
    assert desk.deliver().sent == 1
    [one] = receiver.got
    assert one.path == "/apprise"
    assert one.json["title"] == "287(g) participating agencies: 12 added"
    # An address that is taken away takes what was owed to it along, and says so.
    desk.show(published[2])
    desk.look("participating")
    silent = Settings(home=desk.installation.settings.home)
    gone = asyncio.run(deliver(replace(desk.installation, settings=silent)))
    assert gone.dropped == 1
    with desk.installation.engine.connect() as connection:
        rows = connection.execute(select(outbox)).all()
    assert all(receiver.url.rpartition("/")[2] not in json.dumps(list(map(str, row))) for row in rows)


@pytest.mark.long
def test_after_a_week_of_trying_a_notice_is_given_up(desk: Desk, published: list[Week]) -> None:
    for week in published[:2]:
        desk.show(week)
        desk.look("participating")
    desk.receiver.moods = [500] * 1000
    for _ in range(300):
        desk.deliver()
        desk.at += timedelta(hours=1)
    tried = len(desk.receiver.got)
    assert desk.owed() == 0
    assert tried == GIVES_UP_AFTER
    with desk.installation.engine.connect() as connection:
        [row] = connection.execute(select(outbox)).all()
    assert timedelta(days=6) < row.gave_up_at - row.created_at < timedelta(days=9)
    assert row.error == "The receiver answered 500."


def test_a_good_round_pings_and_a_bad_one_does_not(
    tmp_path: Path, home: Path, publisher: Publisher, receiver: Receiver, published: list[Week]
) -> None:
    from demo.rudeness import answering

    desk = Desk(
        tmp_path / "desk", publisher, receiver, webhook_url=None, webhook_secret=None, retries=0,
        ping_url=f"{receiver.url}/ping",
    )  # fmt: skip
    desk.show(published[0])
    asyncio.run(fetched_and_told(desk.installation))
    assert [one.path for one in receiver.got] == ["/ping"]
    publisher.be_rude("page", answering(503))
    asyncio.run(fetched_and_told(desk.installation))
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("now", "day", "week"),
    [
        ("2025-05-19T12:59", "mon", None),
        ("2025-05-19T13:00", "mon", "2025-W20"),
        ("2025-05-21T13:00", "wed", "2025-W20"),
        ("2025-05-20T13:00", "wed", None),
        ("2025-05-25T23:00", "mon", "2025-W20"),
        ("2026-01-05T14:00", "mon", "2026-W01"),
        ("2025-05-19T13:00", "off", None),
    ],
)
def test_the_digest_is_due_once_its_day_and_hour_have_come(now: str, day: str, week: str | None) -> None:
    found = digest_due(datetime.fromisoformat(now).replace(tzinfo=UTC), day)
    assert (found[0] if found else None) == week


def test_the_digest_is_owed_once_and_not_for_weeks_before_anybody_watched(
    desk: Desk, published: list[Week]
) -> None:
    for week in published[:4]:
        desk.show(week)
        desk.look()
    desk.deliver_all()
    desk.at = published[3].published_at
    desk.at += timedelta(days=7 - desk.at.weekday(), hours=-desk.at.hour + 14)
    for _ in range(3):
        maintain(desk.installation)
    with desk.installation.engine.connect() as connection:
        keys = select(func.count()).where(outbox.c.key.like("digest/%"))
        assert connection.execute(keys).scalar_one() == 1
    desk.deliver_all()
    [digest] = [one for one in desk.receiver.taken if one["kind"] == "digest"]
    batch = next(part for part in digest["lists"] if part["list"] == "participating")
    assert batch["counts"]["added"] == 55
    with writing(desk.installation) as connection:
        connection.execute(outbox.delete())
    with writing(desk.installation) as connection:
        from pipelines.tables import runs

        connection.execute(update(runs).values(started_at=desk.at))
    maintain(desk.installation)
    assert desk.owed() == 0


@pytest.mark.corpus
@pytest.mark.long
def test_the_digest_of_the_busiest_week_names_the_55(tmp_path: Path, home: Path, corpus: Path) -> None:
    installation = open_installation(Settings(home=tmp_path / "desk"))
    [participating] = installation.chosen(["participating"])
    taken = past_captures(corpus / "manifest.csv", participating)
    around = [pair for pair in taken if "2025-04" <= f"{pair[0].captured_at:%Y-%m}" <= "2025-06"]
    replay(installation, around)
    told = message(installation, {"kind": "digest", "week": "2025-W20"})
    assert "participating 55 added" in told.title
    [part] = [part for part in told.data["lists"] if part["list"] == "participating"]
    named = [line for line in part["titles"] if ": signed" in line or ": newly listed" in line]
    assert len(named) == 55
    assert all(f"- {line}" in told.text for line in named)
