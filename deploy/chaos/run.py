"""`just chaos`: load of all kinds on the running stack while one fault after another is done to it, then the reckoning.

In: an engine that runs. Out: a table, a page, and exit code 1 when a promise was broken or an acknowledged effect is
not in the databases, once. What it made there stays, accounts and cancelled orders; what it took goes back into stock.
"""

import asyncio
import secrets
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.chaos import amends, books, people, report
from deploy.chaos.faults import COPIES, Fault, chosen
from deploy.chaos.ledger import Ledger, differences
from deploy.chaos.load import Load
from deploy.chaos.scene import EngineScene
from deploy.chaos.summary import Promise, Row, Window, summarise
from deploy.chaos.traffic import Person, Traffic
from deploy.chaos.wire import Wire
from deploy.engine import Engine, Refusal

_PEOPLE = 24  # each may place 600 orders a minute and list them 50 times
_CALM = 1.0  # seconds of a window before the blow, and at least after everything is ready again
_FASTEST = 1000  # requests a second
_SHOWN = 5  # failures of a row that are printed


def arguments(parser: ArgumentParser) -> None:
    """What the verb may be given."""
    parser.add_argument("--requests", type=int, default=20_000, help="at least so many in all")
    parser.add_argument("--rate", type=float, default=100.0, help="so many a second")
    parser.add_argument("--short", action="store_true", help="fewer faults, a tenth of the requests")
    parser.add_argument("--gateways", type=int, default=COPIES, help="so many from the start")
    parser.add_argument("--only", default="", metavar="TEXT", help="faults with that in their names, as in `up:`")


def main(engine: Engine, scene: EngineScene, folder: Path, options: Namespace) -> int:
    """The exit code; the page is put below `folder`."""
    if options.requests < 1 or not 0 < options.rate <= _FASTEST:
        raise Refusal(f"Ask for at least one request, at a rate from 1 to {_FASTEST} a second.")
    run = f"chaos-{secrets.token_hex(3)}"
    requests = options.requests // (10 if options.short else 1)
    this = _Run(engine, scene, run, requests, options.rate, options.short, options.only)
    scene.look()
    chosen(scene, short=this.short, only=this.only)  # before anything is scaled for it
    with scene.set():
        return asyncio.run(_run(this, folder))


@dataclass(frozen=True, slots=True)
class _Run:
    """At least `requests` in all, `rate` of them a second."""

    engine: Engine
    scene: EngineScene
    name: str
    requests: int
    rate: float
    short: bool
    only: str
    ledger: Ledger = field(default_factory=Ledger)

    @staticmethod
    def say(text: str) -> None:
        print(text, flush=True)


async def _run(this: _Run, folder: Path) -> int:
    stores = this.engine.stores()
    since = time.time_ns() // 1_000_000
    before = await asyncio.to_thread(books.holdings, stores)
    wire = Wire(this.engine.address().replace("localhost", "127.0.0.1"))
    stock = books.stock(stores)
    some = await _people(this, wire, stock)
    load = Load(wire, Traffic(this.name, some, stock, this.ledger), this.rate)
    try:
        rows = await _faults(this, load)
        found = differences(this.ledger, before, await asyncio.to_thread(books.read, stores, this.name, since))
    finally:
        await amends.give_back(wire, some, (await asyncio.to_thread(books.read, stores, this.name, since)).orders)
        wire.close()
    missing = amends.missing(stock, await asyncio.to_thread(books.stock, stores))
    return _tell(this, rows, load, [*found, *missing], folder)


async def _people(this: _Run, wire: Wire, stock: dict[str, int]) -> list[Person]:
    if sum(stock.values()) < this.requests / 20:
        raise Refusal("There is too little in stock to be ordered: `just seed --again` fills it up.")
    this.say(f"Registering {_PEOPLE} people")
    return await people.make(wire, this.name, _PEOPLE)


async def _faults(this: _Run, load: Load) -> list[Row]:
    faults = chosen(this.scene, short=this.short, only=this.only)
    least = this.requests / len(faults) / this.rate
    async with asyncio.TaskGroup() as group:
        running = group.create_task(load.run())
        try:
            windows = [await _one(this, load, fault, least) for fault in faults]
        finally:
            load.stop()
        await running
    return [summarise(window, load.samples) for window in windows]


async def _one(this: _Run, load: Load, fault: Fault, least: float) -> Window:
    """Goes on for `least` seconds, and until everything is ready again."""
    this.say(f"{load.now():6.1f} s  {fault.name}")
    began, trouble = load.now(), ""
    load.resends = fault.promise is Promise.RESENT
    await asyncio.to_thread(this.scene.look)
    await asyncio.sleep(_CALM)
    acted = load.now()
    offset = time.monotonic() - acted
    try:
        await asyncio.to_thread(fault.act, this.scene)
    except Refusal as refusal:
        trouble = str(refusal)
    struck = acted if this.scene.struck is None else this.scene.struck - offset
    whole = await asyncio.to_thread(this.scene.until_whole)
    back = load.now()
    await load.settle()  # what is sent once more for this fault must not meet the next one
    await asyncio.sleep(max(_CALM, began + least - load.now()))
    return Window(fault.name, fault.promise, began, struck, load.now(), back if whole else None, trouble)


def _tell(this: _Run, rows: Sequence[Row], load: Load, found: Sequence[str], folder: Path) -> int:
    findings = [*(f"{row.window.fault}: {row.window.trouble}" for row in rows if row.window.trouble), *found]
    file = folder / f"{this.name}.html"
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{this.name}: {len(load.samples)} requests, {this.rate:g} a second"
    file.write_text(report.page(rows, load.samples, title, findings), encoding="utf-8")
    this.say(f"\n{report.table(rows)}\n")
    for row in rows:
        for sample in row.broken[:_SHOWN]:
            this.say(f"{row.window.fault}: {sample}")
    for finding in findings:
        this.say(finding)
    this.say(
        f"{len(load.samples)} requests. {this.ledger.acknowledged} acknowledged effects: {_verdict(found)}. See {file}"
    )
    return 0 if all(row.kept for row in rows) and not findings else 1


def _verdict(found: Sequence[str]) -> str:
    return f"{len(found)} differ from the databases" if found else "each is in the databases, once"
