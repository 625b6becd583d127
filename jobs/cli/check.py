"""The command `check`: ask a platform about accounts once, without a database."""

from typing import Annotated

import typer

from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import show, show_json
from jobs.base.wording import PLATFORM_KEYS
from jobs.cli.command import AsJson, ConfigFile, examples
from jobs.collect import one_shot_check
from jobs.collect.collector_factory import collector_of
from jobs.config.settings import load_settings


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(
        "check",
        epilog=examples("blockline check x NASA", "blockline check https://bsky.app/profile/bsky.app"),
    )(check_command)


def check_command(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="HANDLE",
            help=f"Handles after a platform ({PLATFORM_KEYS}), or addresses of profiles, name@host, DIDs, "
            "or numeric ids as id:12345.",
        ),
    ],
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The platform is asked once. The exit code is 0 if every answer was conclusive."""
    try:
        asked = one_shot_check.questions(words)
    except one_shot_check.UnclearError as error:
        raise typer.BadParameter(str(error)) from error
    settings = load_settings(config)
    collectors = {p: collector_of(settings, p) for p in dict.fromkeys(q.platform for q in asked)}

    async def looked() -> list[one_shot_check.AccountCheck]:
        looks: dict[one_shot_check.AccountQuery, one_shot_check.AccountCheck] = {}
        for platform, collector in collectors.items():
            questions = [q for q in asked if q.platform is platform]
            async with collector:
                said = await one_shot_check.check_accounts(collector, questions, system_clock())
            looks |= zip(questions, said, strict=True)
        return [looks[q] for q in asked]

    looks = run(looked)
    if as_json:
        show_json(one_shot_check.as_json(looks))
    else:
        for sentence in (s for one in looks for s in one_shot_check.sentences(one)):
            show(sentence)
    failures = [one_shot_check.failure(one) for one in looks if not one.is_conclusive]
    if failures:
        raise CommandError("\n".join(failures))
