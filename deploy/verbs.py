"""What each verb says and asks: an engine's answers in words, tables and lines for a terminal.

Each takes an engine and returns the exit code. Nothing here knows which engine it is. What a verb alone needs is
imported there: the others answer sooner.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from deploy.engine import GATEWAY, NOTHING, Engine, Instance, Refusal
from deploy.undisturbed import interrupted_once, undisturbed

if TYPE_CHECKING:
    from deploy.backup.archive import Stores
    from deploy.backup.key import Keys
    from deploy.docker.engine import DockerEngine

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"

Ask = Callable[[str], str]

_COLUMNS = ("INSTANCE", "ADDRESS", "STATE", "PID", "UPTIME")
_OF_GATEWAYS = "REVISION"


def up(engine: Engine, with_tls: str = "") -> int:
    """Starts what is missing, then says where it listens (`with_tls`, where that is set) and what runs."""
    with interrupted_once():
        changed = engine.up()
    if not changed:
        print("Everything runs already; nothing was changed.")
    running = engine.ps()
    address = engine.address()
    print(f"\nPortico listens on {with_tls or address}")
    print(f"Running: {', '.join(instance.name for instance in running)}")
    print(f"Try: curl -i {address}/products")
    return 0


def runs(engine: Engine) -> bool:
    """Whether there is anything of the stack that `just ps` would show, or name."""
    try:
        return bool(engine.ps())
    except Refusal as refusal:
        return str(refusal) != NOTHING


def down(engine: Engine, *, data: bool, yes: bool, ask: Ask) -> int:
    """Stops everything; asks before it deletes anything. Raises Refusal when the answer is not y."""
    if data and not yes and ask("Delete the databases and the secrets of this stack for good? [y/N] ").lower() != "y":
        raise Refusal("Nothing was stopped or deleted: answer y, or leave --data out.")
    print("Stopped." if engine.down(data=data) else "Nothing was running.")
    if data:
        print("Databases and secrets are deleted; `just up` makes new ones.")
    return 0


def scale(engine: Engine, function: str, instances: int) -> int:
    """Has that many instances of a function run."""
    with interrupted_once():
        changed = engine.scale(function, instances)
    print(f"{function}: {instances} instance{'s' * (instances != 1)}{'' if changed else ', as before'}")
    return 0


def deploy(engine: Engine, *, everything: bool) -> int:
    """Brings the checkout as it is into service, one instance at a time."""
    from deploy import rollout

    with interrupted_once(), engine.fleet() as fleet:
        changed = rollout.deploy(fleet, everything=everything)
    if said := str(changed):
        print(f"Deployed: {said}. `just rollback` brings back what was there before.")
    elif changed:
        print("This version runs already; what did not run of it does now.")
    else:
        print("This version runs already; nothing was changed.")
    return 0


def apply(engine: Engine) -> int:
    """Has running gateways take in the manifests as they are now; rolls where that is not enough."""
    began = time.monotonic()
    applied = engine.apply()
    if applied.beyond:
        print("Running gateways can't take this in, so it is deployed:")
        print("\n".join(f"  {line}" for line in applied.beyond), flush=True)
        return deploy(engine, everything=False)
    took = f"in {time.monotonic() - began:.1f} s"
    if not applied.changed:
        print(f"These manifests are served already ({applied.revision}); nothing was changed.")
    else:
        print(f"Every gateway serves the revision {applied.revision}, {took}. Nothing was restarted.")
    for name in applied.late:
        print(f"{name} does not answer: it serves this revision when it starts.")
    return 0


def rollback(engine: Engine) -> int:
    """Brings back what the last deploy replaced, one instance at a time."""
    from deploy import rollout

    with interrupted_once(), engine.fleet() as fleet:
        changed = rollout.rollback(fleet)
    print(f"Rolled back: {changed}.")
    return 0


def ps(engine: Engine) -> int:
    """Shows the table of what runs."""
    print(table(engine.ps()))
    return 0


def limits(engine: Engine, text: str, *, clear: bool, yes: bool) -> int:
    """Shows the buckets with `text` in their names that are not full, or fills them; may ask on this terminal."""
    options = [*(["--clear"] if clear else []), *(["--yes"] if yes else [])]
    return engine.run(GATEWAY, "functions.gateway.limits", text, *options)


def cache(engine: Engine, what: str, target: str = "", group: str = "", *, everything: bool = False) -> int:
    """Shows what gateways share of a target, or has them forget it, a group of a function, or everything."""
    options = [*(["--group", group] if group else []), *(["--all"] if everything else [])]
    return engine.run(GATEWAY, "functions.gateway.cached", what, *([target] if target else []), *options)


def seed(engine: Engine, *, again: bool) -> int:
    """Puts products in; `again` fills up what was sold of them, and has gateways forget how many there were."""
    code = engine.run("orders", "functions.orders.seed", *(["--again"] if again else []))
    return code or (cache(engine, "purge", everything=True) if again else 0)


def admin(engine: Engine, email: str, *, create: bool) -> int:
    """Makes somebody an admin, who may have to be made first; may ask on this terminal."""
    return engine.run("users", "functions.users.admin", email, *(["--create"] if create else []))


def backup(engine: Engine, below: Path, now: datetime, key: bytes) -> int:
    """Saves all functions' data in a new folder below `below`, signed with `key`, while everything runs."""
    from deploy.backup import archive

    folder = archive.save(engine.stores(), below, now, key)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"Backed up {', '.join(engine.stores())} ({size / 1e6:.1f} MB).", end=" ")
    print(f"Bring it back with: just restore {quote(str(folder))}")
    return 0


def restore(engine: Engine, folder: Path, before: Path, ask: Ask, now: datetime, signing: "Keys") -> int:
    """Replaces data by a backup's, once it is checked and the answer is y; what was there is saved below `before`.

    When it fails half-way, what was there is put back.
    """
    from deploy.backup import archive

    stores = engine.stores()
    with archive.room(before) as room:
        found = archive.check(folder, stores, FUNCTIONS, signing.of, room)
        names = ", ".join(part.function for part in found.parts)
        if ask(f"Replace the data of {names} by that of {found.made_at}? [y/N] ").lower() != "y":
            raise Refusal("Nothing was changed: answer y, or give --yes.")
        with engine.paused():
            kept = archive.save(stores, before, now, signing.own, note="-before-restore")
            try:
                archive.load(room, found, stores, FUNCTIONS)
                engine.migrate()
            except BaseException as error:
                with undisturbed():
                    _put_back(kept, stores, error)
                raise
    if cache(engine, "purge", everything=True):
        print("Gateways may show what they hold of before, until it is stale.")
    print(f"Restored {names} as of {found.made_at}. What was there before is in {kept}")
    return 0


def _put_back(kept: Path, stores: "Stores", why: BaseException) -> None:
    from deploy.backup import archive

    try:
        archive.load(kept, archive.check(kept, stores, FUNCTIONS, None), stores, FUNCTIONS)
    except Refusal as refusal:
        where = f"it is in {kept}: `just restore {kept}` puts it there"
        raise Refusal(f"{why} What was there can't be put back ({refusal}); {where}.") from why


def rotate_keys(engine: Engine, *, at_once: bool, ask: Ask, now: float) -> int:
    """Has another key sign tokens; `at_once` also withdraws all others, which ends what they have signed (asks)."""
    from deploy import keys

    folder = engine.signing_keys()
    if at_once and ask("Withdraw every signing key? All access tokens end. [y/N] ").lower() != "y":
        raise Refusal("Nothing was changed: answer y, or leave --now out.")
    rotated = keys.rotate(folder, now, at_once=at_once)
    print(f"The key {rotated.added} signs from {clock_time(rotated.begins)} on. Nothing has to be restarted.")
    if rotated.removed:
        print(f"Removed: {', '.join(rotated.removed)}")
    return 0


def images(engine: "DockerEngine") -> int:
    """Builds every function's image, and shows how large each is."""
    for name, size in engine.images().items():
        print(f"{name:<24} {size / 1e6:6.0f} MB")
    return 0


def table(instances: Sequence[Instance]) -> str:
    """One row for each instance, in columns as wide as they need to be."""
    rows = [_COLUMNS, *(_row(instance) for instance in instances)]
    if any(instance.revision for instance in instances):
        rows = [(*row, said) for row, said in zip(rows, [_OF_GATEWAYS, *_revisions(instances)], strict=True)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def duration(seconds: float | None) -> str:
    """The two largest units: "45s", "3m 20s", "2h 5m", "4d 1h"; "-" for None."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    units = [(days, "d"), (hours_left, "h"), (minutes_left, "m"), (rest, "s")]
    first = next((index for index, (amount, _) in enumerate(units) if amount), 3)
    return " ".join(f"{amount}{unit}" for amount, unit in units[first : first + 2])


def clock_time(moment: float) -> str:
    """Hours, minutes and seconds in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S UTC")


def _revisions(instances: Sequence[Instance]) -> list[str]:
    """Of the manifests that each serves."""
    return [each.revision for each in instances]


def _row(instance: Instance) -> tuple[str, ...]:
    return (
        instance.name,
        instance.address,
        instance.state,
        str(instance.pid or "-"),
        duration(instance.uptime),
    )
