"""Work that is handed to a thread and must not be left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def whole(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do something in a thread, to its end even when we are asked to stop: no transaction ends half way."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
