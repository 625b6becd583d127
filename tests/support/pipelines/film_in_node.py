"""What the browser's side of the replay film makes of an answer, by node."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.wire.compact_json import GONE_OR_SUSPENDED, LETTER, up
from storage.health.status_at import PastStatus
from storage.model.core.availability import ChangeKind

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="the browser's side needs node")

Moments = Sequence[tuple[datetime, datetime | None]]
"""Each with of when the knowledge is; None: what is known now."""

_FILM = Path(__file__).parent.parent.parent.parent / "dashboard" / "assets" / "film" / "film.mjs"

FIGURES = """({
    at: state.now, watched: state.watched, standing: state.byStatus, provisional: state.kpis.provisional,
    blocks: state.kpis.new_blocks, restored: state.kpis.restored, countries: state.countries,
    lists: state.lists.map((l) => [l.name, l.size]).sort(), unread: state.kpis.unread,
})"""
"""Of a moment, in the words of `figures_of`."""


def film_at(data: bytes, moments: Moments, then: str = FIGURES) -> list[Any]:
    """What a script makes of each moment that has {film, state, t, k} and what film.mjs exports at hand."""
    asked = [[up(at), None if known is None else up(known)] for at, known in moments]
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import * as all from "{_FILM.as_uri()}";
        const {{ differences, goTo, openFilm, stateOf }} = all;
        const bytes = readFileSync(0);
        const film = openFilm(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
        const state = stateOf(film);
        const told = {json.dumps(asked)}.map(([t, k]) => {{
            goTo(state, t, k);
            return {then};
        }});
        console.log(JSON.stringify(told));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], input=data, capture_output=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def figures_of(stand: PastStatus) -> dict[str, Any]:
    """The figures of a moment as the server counts them, in the words of `FIGURES`."""
    standing = {s: [0, 0] for s in ["A", "P", "W", "S", "G", "D", "N", "first"]}
    for count in stand.states:
        of = standing[_letter(count.state and LETTER[count.state.status], or_deleted=count.or_deleted)]
        of[0] += count.accounts
        of[1] += count.late
    return {
        "at": up(stand.at),
        "watched": stand.watched,
        "standing": standing,
        "provisional": stand.provisional,
        "blocks": stand.changes[ChangeKind.BLOCK],
        "restored": stand.changes[ChangeKind.RESTORATION],
        "countries": [[c.country, c.accounts, c.late] for c in stand.countries],
        "lists": [[one.name, one.accounts] for one in stand.lists],
        "unread": stand.late,
    }


def _letter(letter: str | None, *, or_deleted: bool) -> str:
    return "first" if letter is None else GONE_OR_SUSPENDED if or_deleted else letter
