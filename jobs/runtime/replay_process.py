"""Deciding again for the dashboard: `blockline replay` in a process of its own, bounded in time."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter, ValidationError

from dashboard.replay.reevaluation import ReevaluationFailed, ReevaluationRequest
from dashboard.replay.reevaluation_result import (
    MOST_CASES,
    ChangeCase,
    MailCase,
    ReevaluationResult,
    ReevaluationSummary,
)
from jobs.config.settings import PREFIX
from jobs.replay.replay import IN_FORCE
from jobs.replay.what_if_rules import thresholds_toml

PATIENCE_S = 600.0
_RULES, _CASES = "rules", "cases.jsonl"
_CASE: TypeAdapter[ChangeCase | MailCase] = TypeAdapter(ChangeCase | MailCase)


class ReplayProcess:
    """Asks the very command that a person would run, of one database."""

    thresholds = thresholds_toml(IN_FORCE)

    def __init__(self, dsn: str, patience_s: float = PATIENCE_S) -> None:
        self._dsn = dsn
        self._patience_s = patience_s

    async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
        """Raises ReevaluationFailed. When cancelled, the process is killed first."""
        try:
            with TemporaryDirectory(prefix="blockline-replay-") as name:
                folder = Path(name)
                if asked.rules is not None:
                    (folder / _RULES).write_text(asked.rules, encoding="utf-8")
                said = await self._run(_arguments(asked), folder)
                return await asyncio.to_thread(_answer, said, folder / _CASES)
        except OSError as error:
            raise ReevaluationFailed(
                f"The process that decides could not be run: {error.strerror}."
            ) from error
        except ValidationError as error:
            raise ReevaluationFailed(
                "The process that decides gave an answer that cannot be read."
            ) from error

    async def _run(self, arguments: Sequence[str], folder: Path) -> bytes:
        """What the command prints."""
        # Not this process's own settings: they may name another file, and are of no account here.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jobs.cli.main", "replay", *arguments),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=folder,
            env=kept
            | {f"{PREFIX}DATABASE_URL": self._dsn, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        )
        try:
            async with asyncio.timeout(self._patience_s):
                out, said = await process.communicate()
        except TimeoutError:
            minutes = round(self._patience_s / 60)
            raise ReevaluationFailed(
                f"It took longer than {minutes} minutes and was given up: choose a shorter time, or run "
                "`blockline replay` on a command line."
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if not out:  # with an answer, the exit code 1 says that something in it is not explained
            raise ReevaluationFailed(complaint(said, process.returncode))
        return out


def _arguments(asked: ReevaluationRequest) -> list[str]:
    given = {
        "--from": asked.since and asked.since.isoformat(),
        "--to": asked.until and asked.until.isoformat(),
        "--list": asked.list_name,
        "--rules": None if asked.rules is None else _RULES,
        "--report": _CASES,
    }
    return ["--json", *(f"{name}={value}" for name, value in given.items() if value is not None)]


def _answer(said: bytes, cases: Path) -> ReevaluationResult:
    changes: list[ChangeCase] = []
    mails: list[MailCase] = []
    left_out = 0
    with cases.open("rb") as lines:
        for line in lines:
            if len(changes) + len(mails) >= MOST_CASES:
                left_out += 1
                continue
            case = _CASE.validate_json(line)
            if isinstance(case, MailCase):
                mails.append(case)
            else:
                changes.append(case)
    return ReevaluationResult(ReevaluationSummary.model_validate_json(said), changes, mails, left_out)


def complaint(said: bytes, code: int | None) -> str:
    """What it says that is wrong. A traceback is for nobody who asks on a page: it names files of ours."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    if lines and not any(line.startswith("Traceback ") for line in lines):
        return " ".join(lines)[:1000]
    return f"The process that decides ended without an answer (exit code {code})."
