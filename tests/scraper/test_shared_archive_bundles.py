"""Old entries of a shared journal are fetched by the thousand."""

from __future__ import annotations

import pytest

from scraper.shared import bundle_key, entry_key
from tests.scraper.machines import AT, Machines, damage, lines, machine, numbers
from tests.scraper.store import Store, running, store

__all__ = ["machine", "running", "store"]  # fixtures


@pytest.fixture
def thousands(monkeypatch: pytest.MonkeyPatch) -> int:
    """Bundles, and pages of a listing, of thirty: the rules are the same, and it takes no minute."""
    for name in ("shared.BUNDLE", "shared.PAGE", "bucket.PAGE"):
        monkeypatch.setattr(f"scraper.{name}", 30)
    return 30


def test_a_newcomer_fetches_old_entries_in_bundles(machine: Machines, store: Store, thousands: int) -> None:
    one = machine("one")
    for turn in range(70):
        one.append("review", AT, turn=turn)
    assert store.keys("thousands/") == [bundle_key(30), bundle_key(60)]
    store.forget()
    new = machine("new")
    assert numbers(new) == list(range(1, 71))
    fetched = [asked.key for asked in store.asked if asked.method == "GET" and asked.key]
    assert fetched[:2] == [bundle_key(30), bundle_key(60)]
    assert sorted(fetched[2:]) == [entry_key(n) for n in range(61, 71)]
    assert lines(new) == lines(one)
    assert list(new.verify()) == []


def test_a_bundle_that_is_missing_is_made_again_and_one_that_is_wrong_is_not_believed(
    machine: Machines, store: Store, thousands: int
) -> None:
    one = machine("one")
    for turn in range(65):
        one.append("review", AT, turn=turn)
    whole = {n: store.get(bundle_key(n)) for n in (30, 60)}
    store.delete(bundle_key(30))
    store.put(bundle_key(60), whole[60].replace(b'"turn":44', b'"turn":45'))
    new = machine("new")
    assert numbers(new) == list(range(1, 66))
    assert lines(new) == lines(one)
    assert store.get(bundle_key(30)) == whole[30]
    [wrong] = damage(new)
    assert bundle_key(60) in wrong


def test_a_home_of_many_entries_is_brought_up_with_its_bundles(
    machine: Machines, store: Store, thousands: int
) -> None:
    before = machine.alone("one")
    for turn in range(61):
        before.append("review", AT, turn=turn)
    assert numbers(machine("one")) == list(range(1, 62))
    assert store.keys("thousands/") == [bundle_key(30), bundle_key(60)]
    assert len(store.keys("journal/")) == 61
