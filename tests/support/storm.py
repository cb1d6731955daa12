"""Many calls at the same instant: every caller has its own connection open before the first request is sent."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

OPENING = 200  # connections being opened at once, below any listen backlog


@dataclass
class Result:
    """What the callers got."""

    statuses: Counter = field(default_factory=Counter)
    failures: Counter = field(default_factory=Counter)
    seconds: float = 0.0
    samples: dict[int, str] = field(default_factory=dict)  # one answer per status that is not 200


def request(server: str, key: str, connection: str, path: str, pass_through: bool) -> bytes:
    """One HTTP/1.1 request: through /proxy, or by POST …/call."""
    host = urlsplit(server).netloc
    head = f"Host: {host}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
    if pass_through:
        return f"GET /proxy/{connection}{path} HTTP/1.1\r\n{head}\r\n".encode()
    body = json.dumps({"method": "GET", "path": path})
    return (f"POST /api/v1/connections/{connection}/call HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


async def _storm(servers: list[str], requests: dict[str, bytes], calls: int, seconds: float) -> Result:
    result, gate, opening = Result(), asyncio.Event(), asyncio.Semaphore(OPENING)
    ready, all_ready = 0, asyncio.Event()

    async def caller(server: str) -> None:
        nonlocal ready
        parts = urlsplit(server)
        async with opening:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        ready += 1
        if ready == calls:
            all_ready.set()
        await gate.wait()
        writer.write(requests[server])
        answer = await asyncio.wait_for(reader.read(-1), seconds)
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0
        result.statuses[status] += 1
        if status != 200:
            result.samples[status] = answer[:800].decode(errors="replace")
        elif requests[server].startswith(b"POST") and b'"status":200' not in body.replace(b" ", b""):
            result.failures["upstream not 200"] += 1

    async def guarded(server: str) -> None:
        try:
            await caller(server)
        except (OSError, asyncio.TimeoutError) as error:
            result.failures[f"{type(error).__name__}: {error}"] += 1
            all_ready.set()

    tasks = [asyncio.create_task(guarded(servers[number % len(servers)])) for number in range(calls)]
    await asyncio.wait_for(all_ready.wait(), 120)
    began = time.monotonic()
    gate.set()
    await asyncio.gather(*tasks)
    result.seconds = time.monotonic() - began
    return result


def storm(servers: list[str], key: str, connection: str, path: str, calls: int, *, pass_through: bool,
          seconds: float = 150) -> Result:
    """Sends `calls` calls at once, spread over the servers, and reads every answer."""
    requests = {server: request(server, key, connection, path, pass_through) for server in servers}
    return asyncio.run(_storm(servers, requests, calls, seconds))
