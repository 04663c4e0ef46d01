"""The archive of logs: a folder, or a bucket of S3, Google's or Azure's, through obstore.

A part of a log is one object, ``tasks/<task id>-<its unique id>/<first>_<last>.jsonl.gz``. What is in it follows from
its name, so that it may be written twice, by anybody. Which parts there are says Redis (`core.task_log.LogState`).
Names of our pattern alone are ever deleted: a bucket may hold other things too.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from core.crash import point
from core.errors import ArchiveError, SettingsError
from core.task_log import Entry, Part

ANSWER_SECONDS: Final = 20
PART_LIMIT_BYTES: Final = 16_000_000
"""Of a part that is unpacked: a multiple of what a part of ours can have."""
CACHED_PARTS: Final = 8
READ_AT_ONCE: Final = 4
_NAME: Final = re.compile(r"(tasks/[0-9]+-[0-9a-z]+)/[0-9]+-[0-9]+_[0-9]+-[0-9]+\.jsonl\.gz", re.ASCII)
_QUERY: Final = re.compile(r"[?]\S*")
_GZIP: Final = 31
T = TypeVar("T")

log = logging.getLogger(__name__)


class LogArchive:
    """What is at *url*. For one event loop; keeps the parts that were read last, for the readers that come behind.

    Raises:
        SettingsError: The address, or what belongs to it, is wrong.
    """

    def __init__(self, url: str) -> None:
        self._store = _open(url)
        self._parts: OrderedDict[str, list[Entry]] = OrderedDict()
        self._places = asyncio.Semaphore(READ_AT_ONCE)

    async def write(self, folder: str, part: Part, entries: Sequence[Entry]) -> None:
        """Put a part there; the same again is harmless.

        Raises:
            ArchiveError: It did not take it.
        """
        packed = await asyncio.to_thread(_pack, entries)
        with point("archive.write"):
            await _tried(self._store.put_async(_name(folder, part), packed))

    async def read(self, folder: str, part: Part) -> list[Entry] | None:
        """Give a part's lines; None where it is not there any more, or something else is.

        Raises:
            ArchiveError: The archive did not answer.
        """
        name = _name(folder, part)
        async with self._places:
            if name not in self._parts:
                packed = await self._fetch(name)
                if packed is None:
                    return None
                entries = await asyncio.to_thread(_unpack, packed)
                if [len(entries), *(entry.id for entry in entries[-1:])] != [part.lines, part.last]:
                    log.error("a part of a log can't be read", extra={"object": name})
                    return None
                self._parts[name] = entries
            self._parts.move_to_end(name)
            while len(self._parts) > CACHED_PARTS:
                self._parts.popitem(last=False)
            return self._parts[name]

    async def expire(self, days: float, now: float) -> int:
        """Delete the logs that nothing came to for so long before *now* (Unix seconds); answer how many objects went.

        Raises:
            ArchiveError: It did not list, or not delete.
        """
        names: dict[str, list[str]] = {}
        youngest: dict[str, float] = {}
        async for name, written_at in self._list():
            if found := _NAME.fullmatch(name):
                folder = found[1]
                names.setdefault(folder, []).append(name)
                youngest[folder] = max(youngest.get(folder, 0.0), written_at)
        oldest_kept = now - timedelta(days=days).total_seconds()
        gone = [name for folder in names if youngest[folder] < oldest_kept for name in names[folder]]
        for name in gone:
            await self._delete(name)
        return len(gone)

    async def _list(self) -> Any:
        try:
            async for some in self._store.list("tasks/"):
                for item in some:
                    yield item["path"], item["last_modified"].timestamp()
        except (BaseError, OSError) as error:
            raise ArchiveError(_words(error)) from error

    async def _delete(self, name: str) -> None:
        try:
            await _tried(self._store.delete_async(name))
        except FileNotFoundError:
            return  # another leader was faster

    async def _fetch(self, name: str) -> bytes | None:
        try:
            answer = await _tried(self._store.get_async(name))
            return bytes(await _tried(answer.bytes_async()))
        except FileNotFoundError:
            return None


def _open(url: str) -> ObjectStore:
    try:
        if url.startswith("file://"):
            return LocalStore(unquote(urlsplit(url).path), mkdir=True, automatic_cleanup=True)
        seconds = {"timeout": timedelta(seconds=ANSWER_SECONDS), "connect_timeout": timedelta(seconds=5)}
        # What the endpoint's variable says is what its operator wants: a MinIO beside us may have no certificate.
        options: Any = {**seconds, "allow_http": True}
        return from_url(
            url, client_options=options, retry_config={"max_retries": 2, "retry_timeout": seconds["timeout"]}
        )
    except (BaseError, OSError, ValueError) as error:
        raise SettingsError(f"ABLEHAND_LOG_ARCHIVE: {_words(error)}") from error


async def _tried(call: Awaitable[T]) -> T:
    try:
        return await call
    except (NotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError from error
    except (BaseError, OSError) as error:
        raise ArchiveError(_words(error)) from error


def _words(error: Exception) -> str:
    """Give an error's first line without the queries of addresses, which may be signed."""
    first = _QUERY.sub("", str(error).partition("\n")[0])
    return f"{type(error).__name__}: {first}"


def _name(folder: str, part: Part) -> str:
    return f"{folder}/{part.first}_{part.last}.jsonl.gz"


def _pack(entries: Sequence[Entry]) -> bytes:
    lines = "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
    return gzip.compress(lines.encode(errors="replace"), mtime=0)


def _unpack(packed: bytes) -> list[Entry]:
    """Give the lines; none where it is no part."""
    try:
        lines = zlib.decompressobj(_GZIP).decompress(packed, PART_LIMIT_BYTES).decode()
        return [Entry(**json.loads(line)) for line in lines.split("\n") if line]
    except (ValueError, TypeError, zlib.error):
        return []
