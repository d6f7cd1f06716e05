"""``script/bench feed``: readers of the feed at once, its memory and CPU, and how long events take."""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dev.bench import servers
from dev.bench.report.figures import Report, Series
from dev.bench.servers import HOME
from dev.console import say
from dev.processes import children, ports, programs
from dev.processes.ports import LOOPBACK
from dev.processes.supervisor import Supervisor

_PROGRAM = "dev.bench.feed.program"
#: Seconds for the last events to arrive.
_GRACE = 30.0


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    readers: int
    events: int
    rate: float


@dataclass
class Seen:
    """Observations of the readers."""

    delays: list[float] = field(default_factory=list)


def measure(plan: Plan) -> Report:
    """Measure once: streams of all events, idle at first, then with events."""
    servers.empty_home()
    with servers.empty_postgres() as postgres:
        env = programs.environment(database_url=postgres.create_database("feed"), broker_url="memory://")
        env["SHOP_FEED_READERS_AN_ACCOUNT"] = str(plan.readers)
        programs.run_python(
            env, "manage.py", "migrate", "--no-input", "--skip-checks", log=HOME / "migrate.log"
        )
        key = _run(env, "account").split()[-1]
        port = ports.pick(8300)
        with Supervisor(HOME / "log", report=say) as supervisor:
            supervisor.start(programs.feed(env, port=port))
            supervisor.wait_ready()
            pids = [supervisor["feed"].child.pid, *children.child_pids(supervisor["feed"].child)]
            return asyncio.run(_measure(plan, env, port, key, pids))


def _run(env: Mapping[str, str], *arguments: str) -> str:
    log = HOME / f"{arguments[0]}.log"
    programs.run_python(env, "-m", _PROGRAM, *arguments, log=log)
    return log.read_text()


async def _measure(plan: Plan, env: Mapping[str, str], port: int, key: str, pids: list[int]) -> Report:
    empty = _memory(pids)
    seen = Seen()
    began, cpu = time.monotonic(), _cpu(pids)
    readers = [await _open(port, key) for _ in range(plan.readers)]
    opening, opening_cpu = time.monotonic() - began, _cpu(pids) - cpu
    say(f"{plan.readers} readers are connected.")
    tasks = [asyncio.create_task(_read(reader, seen, plan.events)) for reader, _ in readers]
    idle, cpu = _memory(pids), _cpu(pids)
    argv = [sys.executable, "-m", _PROGRAM, "publish", str(plan.events), str(plan.rate)]
    publisher = children.start_child(argv, env=env, log=HOME / "publish.log")
    try:
        await asyncio.wait_for(asyncio.gather(*tasks), plan.events / plan.rate + _GRACE)
    finally:
        children.stop_children([publisher])
    busy, busy_cpu = _memory(pids), _cpu(pids) - cpu
    for _, writer in readers:
        writer.close()
    ordered = sorted(seen.delays)
    title = f"Feed: {plan.readers} streams of all events, {plan.events} events at {plan.rate:g}/s"
    figures = [
        ("memory without readers", "MB", empty),
        ("memory with readers", "MB", idle),
        ("memory after the events", "MB", busy),
        ("connections accepted", "/s", plan.readers / opening),
        ("CPU of a connection", "ms", opening_cpu / plan.readers * 1000),
        ("CPU while events came", "s", busy_cpu),
        ("CPU of an event to a reader", "us", busy_cpu / len(ordered) * 1e6),
        ("delay, median", "ms", statistics.median(ordered) * 1000),
        ("delay, 99 %", "ms", ordered[int(len(ordered) * 0.99)] * 1000),
        ("delay, longest", "ms", ordered[-1] * 1000),
    ]
    return Report(title, [Series(name, unit, (value,)) for name, unit, value in figures])


async def _open(port: int, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    lines = ["GET /api/v1/events?after=now HTTP/1.1", f"Host: {LOOPBACK}", "Accept: text/event-stream"]
    writer.write("\r\n".join([*lines, f"Authorization: Bearer {key}", "", ""]).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.splitlines()[0]:
        raise ConnectionError(head.decode())
    await reader.readuntil(b"retry: 1000\n\n")
    return reader, writer


async def _read(reader: asyncio.StreamReader, seen: Seen, events: int) -> None:
    left = events
    while left:
        line = await reader.readline()
        if line.startswith(b"data: "):
            happened = datetime.fromisoformat(json.loads(line[6:])["time"]).timestamp()
            seen.delays.append(time.time() - happened)
            left -= 1


def _memory(pids: list[int]) -> float:
    """Return the proportional memory of processes in MB."""
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(text.split("\nPss:")[1].split()[0]) for text in texts) / 1024


def _cpu(pids: list[int]) -> float:
    """Return the seconds of CPU of processes."""
    texts = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(fields[11]) + int(fields[12]) for fields in texts) / os.sysconf("SC_CLK_TCK")
