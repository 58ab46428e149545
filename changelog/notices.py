"""What is owed goes out: worded when it is sent, in order for each list, with patience, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Row

from changelog.undelivered import GoneError, NotSentError
from pipelines.announce import WEBHOOK, apprise_channel
from pipelines.history.outbox import deliverable
from pipelines.house import House, writing
from pipelines.logs import get_log, hush_libraries
from pipelines.processes import is_alive, process_name
from pipelines.record.outbox import drop_notice, note_not_sent, note_sent
from pipelines.record.runs import (
    free_leases_of_the_dead,
    give_lease_back,
    renew_leases,
    take_lease,
)

if TYPE_CHECKING:
    from changelog.notice_texts import Message

OUTBOX = "outbox"
_PATIENCE = 60  # seconds for one Apprise address; some of its services wait long


@dataclass(slots=True)
class Delivered:
    """How many went out, how many could not and wait, how many never will."""

    sent: int = 0
    waiting: int = 0
    dropped: int = 0


async def deliver(house: House) -> Delivered:
    """Send all that is due. One process delivers at a time; another one that asks leaves it to that one.

    A notice is noted as sent right after its receiver took it. A crash between the two sends it once more,
    under the same id, by which a webhook's receiver knows it.
    """
    result = Delivered()
    if not await asyncio.to_thread(_anything, house):
        return result
    holder = f"{process_name()}/{uuid4().hex[:8]}"
    if not await asyncio.to_thread(_take, house, holder):
        return result
    hush_libraries()
    try:
        while rows := await asyncio.to_thread(_due, house):
            await asyncio.to_thread(_renew, house, holder)
            await _by_channel(house, rows, result)
    finally:
        await asyncio.to_thread(_give_back, house, holder)
    return result


async def _by_channel(house: House, rows: list[Row[Any]], result: Delivered) -> None:
    """Channels do not wait for each other; the notices of one go out one after another."""
    channels: dict[str, list[Row[Any]]] = {}
    for row in rows:
        channels.setdefault(row.channel, []).append(row)

    async def one_channel(waiting: list[Row[Any]]) -> None:
        for row in waiting:
            await _deliver_one(house, row, result)

    await asyncio.gather(*(one_channel(waiting) for waiting in channels.values()))


async def _deliver_one(house: House, row: Row[Any], result: Delivered) -> None:
    # Words and ways out are heavy, and most looks have nothing to tell.
    from changelog.notice_texts import message

    log = get_log(notice=row.key, channel=row.channel)
    now = house.now
    try:
        send = _sender(house, row)
        told = await asyncio.to_thread(message, house, row.payload)
        await send(told)
    except GoneError as gone:
        await _note(house, drop_notice, row.id, str(gone), now())
        log.warning("notice dropped", reason=str(gone))
        result.dropped += 1
    except Exception as failure:
        # A bug, too, must neither lose this notice nor keep the others.
        why = str(failure) if isinstance(failure, NotSentError) else f"A bug: {type(failure).__name__}."
        await _note(house, note_not_sent, row.id, row.attempts, why, now())
        log.warning("notice not sent; it will be tried again", reason=why, attempt=row.attempts + 1)
        result.waiting += 1
    else:
        await _note(house, note_sent, row.id, now())
        log.info("notice sent")
        result.sent += 1


def _sender(house: House, row: Row[Any]) -> Callable[[Message], Any]:
    """Raises GoneError when the channel is not set up any more."""
    from changelog.webhook import post

    if row.channel == WEBHOOK and house.settings.webhook_url:
        return lambda told: post(house.settings, row.key, row.created_at, told.data)
    for address in house.settings.notify:
        if apprise_channel(address) == row.channel:
            return lambda told: _apprise(address, told)
    raise GoneError("This channel is not set up any more.")


async def _apprise(address: str, told: Message) -> None:
    import apprise

    service = apprise.Apprise()
    if not service.add(address):
        raise NotSentError("Apprise does not know what to make of this address.")
    try:
        async with asyncio.timeout(_PATIENCE):
            taken = await service.async_notify(title=told.title, body=told.text)
    except TimeoutError:
        raise NotSentError(f"No answer within {_PATIENCE} seconds.") from None
    except Exception as error:
        # A plugin's own words may repeat the address.
        raise NotSentError(f"The service failed with {type(error).__name__}.") from None
    if not taken:
        raise NotSentError("The service did not take it.")


async def ping(house: House) -> None:
    """Tell a dead man's switch that a round was good. Not to be heard is no failure of the round."""
    if house.settings.ping_url:
        from changelog.webhook import reach

        try:
            await reach(house.settings, "GET", house.settings.ping_url)
        except NotSentError as failure:
            get_log().warning("the ping was not heard", reason=str(failure))


def _anything(house: House) -> bool:
    with house.engine.connect() as connection:
        return bool(deliverable(connection, house.now()))


def _due(house: House) -> list[Row[Any]]:
    with house.engine.connect() as connection:
        return list(deliverable(connection, house.now()))


def _take(house: House, holder: str) -> bool:
    with writing(house) as connection:
        free_leases_of_the_dead(connection, is_alive)
        return take_lease(connection, OUTBOX, holder, house.now())


def _renew(house: House, holder: str) -> None:
    with writing(house) as connection:
        renew_leases(connection, holder, house.now())


def _give_back(house: House, holder: str) -> None:
    with writing(house) as connection:
        give_lease_back(connection, OUTBOX, holder)


async def _note(house: House, write: Callable[..., None], *values: Any) -> None:
    def noted() -> None:
        with writing(house) as connection:
            write(connection, *values)

    await asyncio.shield(asyncio.to_thread(noted))
