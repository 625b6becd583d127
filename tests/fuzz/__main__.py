"""Fuzz the parsers, or call one of them with one input again."""

import argparse
import faulthandler
import gc
import logging
import random
import sys
import traceback
from pathlib import Path

from tests.fuzz.runner import Fuzzer, outcome, table
from tests.fuzz.targets import TARGETS

FOLDER = Path("build/fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="the names of targets, or their beginnings; default: all")
    parser.add_argument("--seconds", type=float, default=7200, help="how long in all (default: two hours)")
    parser.add_argument("--seed", type=int, help="the same seed makes the same inputs; default: a new one")
    parser.add_argument("--again", nargs=2, metavar=("TARGET", "FILE"), help="call one target with one input")
    parser.add_argument("--list", action="store_true", help="name the targets")
    asked = parser.parse_args()
    logging.disable()  # what parsers log of bad input is not read here
    if asked.list:
        print("\n".join(target.name for target in TARGETS))
        return 0
    if asked.again is not None:
        return _again(*asked.again)
    targets = [t for t in TARGETS if not asked.targets or t.name.startswith(tuple(asked.targets))]
    if not targets:
        parser.error("no target has such a name; --list names them")
    faulthandler.enable()
    seed = random.randrange(2**32) if asked.seed is None else asked.seed
    print(f"{len(targets)} targets, {asked.seconds:g} s, --seed {seed}", flush=True)
    gc.freeze()
    fuzzer = Fuzzer(targets, FOLDER, seed)
    try:
        fuzzer.run(asked.seconds)
    except KeyboardInterrupt:
        print("Stopped.")
    print(table(fuzzer.tallies))
    return 1 if any(tally.found for tally in fuzzer.tallies) else 0


def _again(name: str, file: str) -> int:
    """Say how the input ends, with the trace of what it raises."""
    target = next(t for t in TARGETS if t.name == name)
    data = Path(file).read_bytes()
    with target.opened() as call:
        ending, fault = outcome(call, target.refusals, data)
        print(f"{name}, {len(data)} bytes: {fault or ending}")
        try:
            if fault is None or " at " in fault:
                call(data)
        except Exception:  # noqa: BLE001 - whatever the parser raises is shown
            traceback.print_exc()
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
