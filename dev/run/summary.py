"""Summary of a run: latency, the timeline of one order, and the audit."""

import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import psycopg
from rich.table import Table

from dev.console import out
from dev.load.generator import CustomerOrder
from dev.paths import ROOT
from dev.stack import Stack

#: Seconds for the last messages to be consumed after the end of the last order.
_AUDIT_TIMEOUT = 30.0
_PLACED_TO_SHIPPED = """
    select percentile_cont(array[0.5, 0.99])
             within group (order by extract(epoch from shipped.time - placed.time)), count(*)
    from messaging_eventrecord placed join messaging_eventrecord shipped using (aggregate_id)
    where placed.type = 'orders.OrderCreated.v2' and shipped.type = 'shipping.OrderShipped.v2'
      and aggregate_id = any(%s)
"""
_TIMELINE = """
    select time, type, time - min(time) over () from messaging_eventrecord
    where aggregate_id = %s order by sequence
"""


_MAIL = """
    select case state when 'sent' then coalesce(nullif(report, ''), 'sent') else state end as fate, count(*)
    from notifications_notification where order_id = any(%s) group by fate order by count(*) desc
"""


def show_summary(stack: Stack, orders: Sequence[CustomerOrder]) -> bool:
    """Print latency, one order's timeline and the audit; True if the audit holds."""
    database_url = stack.infrastructure.database_url
    accepted = [order for order in orders if order.id]
    show_latency(database_url, [order.id for order in accepted if order.id])
    shown = max(accepted, key=lambda order: (order.outcome == "delivered", order.number), default=None)
    show_mail(database_url, [order.id for order in accepted if order.id])
    if shown and shown.id:
        show_timeline(database_url, shown.id, f"{shown.number}: {shown.label}")
    return audit(stack.env)


def show_latency(database_url: str, orders: Collection[UUID]) -> None:
    """Print p50 and p99 from placed to shipped, by the times in the log."""
    with psycopg.connect(database_url) as session:
        row = session.execute(_PLACED_TO_SHIPPED, [list(orders)]).fetchone()
    if row and row[1]:
        (median, worst), count = row
        out.print(
            f"Placed to shipped, over {count} orders: p50 [bold]{1000 * median:.0f} ms[/], "
            f"p99 [bold]{1000 * worst:.0f} ms[/]"
        )


def show_mail(database_url: str, orders: Collection[UUID]) -> None:
    """Print what became of the e-mails about the orders, as far as the mailboxes have said."""
    with psycopg.connect(database_url) as session:
        fates = session.execute(_MAIL, [list(orders)]).fetchall()
    out.print("E-mails: " + ", ".join(f"{count} {fate}" for fate, count in fates))


def show_timeline(database_url: str, order_id: UUID, title: str) -> None:
    """Print the events of one order with the time since the first."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name, justify in (("time", "left"), ("since", "right"), ("app", "left"), ("event", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # a literal each
    with psycopg.connect(database_url) as session:
        for moment, kind, since in session.execute(_TIMELINE, [order_id]):
            app, name, _ = kind.split(".")
            table.add_row(f"{moment:%H:%M:%S.%f}"[:-3], _milliseconds(since), app, name)
    out.print(table)


def audit(env: Mapping[str, str]) -> bool:
    """Audit until the audit holds or the time is up; print it and return True if it holds."""
    deadline = time.monotonic() + _AUDIT_TIMEOUT
    while True:
        argv = [sys.executable, "manage.py", "audit"]
        done = subprocess.run(argv, cwd=ROOT, env=dict(env), capture_output=True, text=True, check=False)
        if done.returncode == 0 or time.monotonic() > deadline:
            out.print((done.stdout + done.stderr).rstrip(), markup=False, soft_wrap=True)
            return done.returncode == 0
        time.sleep(1)


def _milliseconds(duration: timedelta) -> str:
    return f"{duration.total_seconds() * 1000:+,.0f} ms"
