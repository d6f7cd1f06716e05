"""ASGI application of the feed: views grant in a few threads, and readers wait without one."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.utils.module_loading import import_string

from integrations.feed import pages
from integrations.feed.answers import Answer, Headers, environ_of, read_page
from integrations.feed.grants import Grant
from integrations.feed.pages import Page
from integrations.feed.readers import Reader
from integrations.feed.tail import Tail
from shop.web.forwarding import is_feed
from shop.web.refusals import refusal_text

T = TypeVar("T")
Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

#: Threads that ask the database: for grants, and for pages of readers that are behind.
_THREADS = 4
#: Seconds for a client to take what is sent to it.
_SEND_TIMEOUT = 30
#: Milliseconds until a browser connects again.
_RETRY = 1000
_PROBES = ("/livez", "/healthz", "/readyz")


class Feed:
    """The application, with its tail, its threads and the number of its readers."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="feed")
        self._readers: Counter[int] = Counter()
        self._tail: Tail | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or follow the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await _until_gone(receive, self._serve(scope, send))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._tail = tail = Tail()
        tail.start()
        if settings.SHOP_METRICS:
            import_string("shop.metrics.feed.serve")(self._readers.total, lambda: tail.position)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(tail.stop)
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Message, send: Send) -> None:
        path = scope["path"]
        if path == "/readyz" and not (self._tail and self._tail.is_listening):
            await _refuse(send, path, 503, "The feed does not reach its database.")
        elif path in _PROBES or is_feed(path):
            await self._answer(scope, send)
        else:
            await _refuse(send, path, 404, "There is no feed at this address.")

    async def _answer(self, scope: Message, send: Send) -> None:
        environ = environ_of(scope)
        answer = await self._run(partial(Answer, environ))
        if (grant := answer.grant) is None:
            await _respond(send, answer.status, answer.headers, answer.body)
        elif self._readers.total() >= settings.SHOP_FEED_READERS:
            await _refuse(
                send, scope["path"], 503, "The feed has as many readers as it takes. Try again later."
            )
        elif self._readers[grant.account] >= settings.SHOP_FEED_READERS_AN_ACCOUNT:
            await _refuse(send, scope["path"], 429, "You have as many readers as you may: close one first.")
        elif grant.is_stream:
            await self._stream(grant, answer.headers_of_grant, send, environ)
        else:
            await self._poll(grant, answer.headers_of_grant, send)

    async def _poll(self, grant: Grant, headers: Headers, send: Send) -> None:
        """Send a page. If there is nothing to send, wait for it as long as the reader wants to."""
        page = await self._run(partial(read_page, grant, after=grant.after))
        if not page.items and grant.wait:
            page = await self._wait(grant, page.after)
        body = pages.encode(grant, page)
        await _respond(send, 200, [*headers, (b"content-type", b"application/json")], body)

    async def _wait(self, grant: Grant, after: int) -> Page:
        reader = None
        try:
            async with asyncio.timeout(grant.wait), self._reader(grant, after) as reader:
                return Page(await reader.next(grant.wait), reader.after)
        except TimeoutError:
            return Page([], reader.after if reader else after)

    async def _stream(self, grant: Grant, headers: Headers, send: Send, environ: Message) -> None:
        """Send events as they come. Rights are checked again from time to time."""
        more = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, *more]})
        await _send_part(send, f"retry: {_RETRY}\n\n")
        async with self._reader(grant, grant.after) as reader:
            await self._send_events(reader, send, environ)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, reader: Reader, send: Send, environ: Message) -> None:
        """Send events until the rights or the bytes of the stream are used up."""
        left, sent, check_at = settings.SHOP_FEED_STREAM_BYTES, -1, _next_check()
        while left > 0:
            items = await reader.next(settings.SHOP_FEED_SILENCE.total_seconds())
            # A position alone is no event, but the place at which a browser goes on.
            place = f"id: {reader.after}\n\n" if reader.after != sent else ":\n\n"
            text = pages.encode_stream(items) or place
            await _send_part(send, text)
            left, sent = left - len(text), reader.after
            if time.monotonic() >= check_at:
                if (await self._run(partial(Answer, environ))).grant is None:
                    return
                check_at = _next_check()

    @asynccontextmanager
    async def _reader(self, grant: Grant, after: int) -> AsyncIterator[Reader]:
        """Count a reader, and have it woken within the block."""
        tail = self._tail
        assert tail  # noqa: S101 - the server starts the tail before it takes requests
        reader = Reader(grant, after, tail, self._run)
        self._readers[grant.account] += 1
        try:
            await tail.add(grant.topic, reader)
            yield reader
        finally:
            tail.remove(grant.topic, reader)
            self._readers[grant.account] -= 1
            if not self._readers[grant.account]:
                del self._readers[grant.account]

    async def _run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


async def _until_gone(receive: Receive, serve: Coroutine[Any, Any, None]) -> None:
    """Serve a request until it is answered or its client has gone."""
    serving = asyncio.ensure_future(serve)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({serving, gone}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
    finally:
        for task in (serving, gone):
            task.cancel()
        await asyncio.gather(serving, gone, return_exceptions=True)


def _next_check() -> float:
    return time.monotonic() + float(settings.SHOP_FEED_CHECK.total_seconds())


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_part(send: Send, text: str) -> None:
    part = {"type": "http.response.body", "body": text.encode(), "more_body": True}
    await asyncio.wait_for(send(part), _SEND_TIMEOUT)


async def _respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [*((name, value) for name, value in headers if name != b"content-length"), length]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _refuse(send: Send, path: str, status: int, text: str) -> None:
    content_type, body = refusal_text(path, status, text)
    headers = [
        (b"content-type", content_type.encode()),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"5"),
    ]
    await _respond(send, status, headers, body.encode())
