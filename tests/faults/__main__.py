"""`python -m tests.faults`: what is seen when anything goes wrong.

It runs itself again on a clock that is faster, for all that it starts.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from jobs.base.clock import system_clock
from tests.faults.faults import FAULTS, Fault
from tests.faults.installation import CAN_MOUNT, Installation, installed
from tests.faults.judging import Judge
from tests.faults.report import NO_ANSWER, Seen, page
from tests.support.processes.fast_clock import missing, run_on_clock

SPEED = 10
_SETTLES_WITHIN = timedelta(hours=3)
_STARTS_WITHIN = timedelta(hours=1)
_NO_ANSWER, _UNAVAILABLE = 0, 503
_FAULTS = 25
"""Of one installation. An account that changes more often in a week is reported in another way."""


async def _look(here: Installation, seen: Seen) -> None:
    """What is said while it lasts."""
    ready, conditions, live, status = await asyncio.gather(
        here.get("/readyz"),
        here.get("/api/v1/conditions"),
        here.get("/api/live"),
        here.command("status", "--json"),
    )
    seen.ready = _ready(*ready)
    seen.health = _issues(*conditions)
    if live[0] == _UNAVAILABLE and (said := json.loads(live[1])["error"]) not in seen.health:
        seen.health.append(said)
    seen.status = _status(*status, known=seen.health)


def _ready(code: int, body: str) -> str:
    if code == _NO_ANSWER:
        return NO_ANSWER
    with suppress(ValueError, KeyError):
        return f"{code} {json.loads(body)['problem'] or ''}".strip()
    return str(code)


def _issues(code: int, body: str) -> list[str]:
    if code == _NO_ANSWER:
        return []
    answer = json.loads(body)
    return [answer["detail"]] if "detail" in answer else [c["sentence"] for c in answer["items"]]


def _status(code: int, out: str, err: str, *, known: list[str]) -> list[str]:
    if code:
        return [err.strip().splitlines()[-1] if err.strip() else f"exit code {code}"]
    report = json.loads(out)
    collectors = [c for c in report["collectors"] if c["state"] != "reads"]
    waiting, dead = report["mails"]["queued"], report["mails"]["dead"]
    return [
        *(c["sentence"] for c in report["conditions"] if c["sentence"] not in known),
        *(f"collector of {c['platform']}: {c['reason'] or c['state']}" for c in collectors),
        *([f"{waiting} emails wait"] if waiting else []),
        *([f"{dead} emails failed permanently"] if dead else []),
    ]


async def _through(here: Installation, judge: Judge, fault: Fault) -> Seen:
    """Bring it about, look, lift it, and wait until everything is as it should be."""
    seen = Seen(fault.area, fault.name, fault.lasts.total_seconds() / 60)
    await judge.forget_operators()
    await judge.take_stock()
    found, mailed = judge.changes, {m.message_id for m in here.desk.mails()}
    began = system_clock() - timedelta(seconds=30)
    async with fault.put(here):
        since = system_clock()
        await asyncio.sleep(max(0.0, fault.lasts.total_seconds() - 30))
        await _look(here, seen)
        await asyncio.sleep(max(0.0, (since + fault.lasts - system_clock()).total_seconds()))
    lifted = system_clock()
    if await here.until(lambda: judge.is_settled(began, lifted), _SETTLES_WITHIN):
        seen.caught_up_after = round((system_clock() - lifted).total_seconds() / 60, 1)
    else:
        seen.wrong += await judge.unsettled(began, lifted)
    if fault.forgets:
        judge.acknowledged.clear()
    seen.wrong += await judge.news()
    repeats = judge.repeats()
    seen.repeats = len(repeats)
    if not fault.may_repeat:
        seen.wrong += [f"mail {i} came again" for i in repeats]
    if not re.search(fault.shows, seen.everything_shown):
        seen.wrong.append(f"nothing showed {fault.shows!r}")
    new = [m for m in here.desk.mails() if m.message_id not in mailed]
    seen.changes, seen.mails = judge.changes - found, len(new)
    if not seen.changes:
        seen.wrong.append("no account changed, so nothing was tested")
    seen.operators = [m.subject for m in new if "operator@example.org" in m.recipients]
    return seen


async def run(chosen: list[Fault], folder: Path) -> list[Seen]:
    """An installation through these faults, one after the other."""
    hours = 2.0 * len(chosen) + 6
    seen: list[Seen] = []
    async with installed(folder, hours) as here:
        judge = Judge(here)
        if not await here.until(judge.is_whole, _STARTS_WITHIN):
            raise SystemExit("The installation did not come to rest.")
        await judge.news()
        for fault in chosen:
            seen.append(await _through(here, judge, fault))
            print(json.dumps(asdict(seen[-1])), flush=True)
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--only", default="", help="a regular expression for “area: name”")
    parser.add_argument("--speed", type=int, default=SPEED)
    parser.add_argument("--page", type=Path, help="where the table is written")
    parser.add_argument("--after", type=Path, help="the output of a run that was broken off, to go on from")
    parser.add_argument("--day", default="", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help="keep the folders with the logs")
    arguments = parser.parse_args()
    if "FAKETIME" not in os.environ:
        return _on_fast_clock(arguments.speed)
    chosen = [f for f in FAULTS if re.search(arguments.only, f"{f.area}: {f.name}")]
    if not CAN_MOUNT:
        print("Left out, because only root can make a disk to fill: the disk of Postgres is full.")
        chosen = [f for f in chosen if not f.fills_disk]
    seen = [] if arguments.after is None else _seen_before(arguments.after)
    done = {(one.area, one.name) for one in seen}
    chosen = [f for f in chosen if (f.area, f.name) not in done]
    for first in range(0, len(chosen), _FAULTS):
        folder = Path(tempfile.mkdtemp(prefix="blockline-faults-"))
        try:
            seen += asyncio.run(run(chosen[first : first + _FAULTS], folder))
        finally:
            if arguments.keep:
                print(folder)
            else:
                shutil.rmtree(folder)
    if arguments.page is not None:
        arguments.page.write_text(page(seen, arguments.speed, arguments.day), encoding="utf-8")
    return 1 if any(one.wrong for one in seen) else 0


def _seen_before(output: Path) -> list[Seen]:
    lines = output.read_text(encoding="utf-8").splitlines()
    return [Seen(**json.loads(line)) for line in lines if line.startswith("{")]


def _on_fast_clock(speed: int) -> int:
    """Run this again where time passes faster."""
    if (why := missing()) is not None:
        print(why)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Postgres may be run by another user
        today = ["--day", system_clock().date().isoformat()]
        return run_on_clock(Path(folder), speed, "tests.faults", [*sys.argv[1:], *today])


if __name__ == "__main__":
    sys.exit(main())
