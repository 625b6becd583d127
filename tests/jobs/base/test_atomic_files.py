"""Files and folders get their name when they are whole, and replace nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from jobs.base.atomic_files import refuse_filled, refuse_taken
from jobs.base.background_tasks import BackgroundTasks
from jobs.base.errors import CommandError
from storage.postgres.pool import StorageError


@pytest.mark.parametrize(
    ("rule", "refuse", "name", "sentence"),
    [
        ("a file is never replaced", refuse_taken, "file", "{} exists already; name another file."),
        ("nor is a link that leads nowhere", refuse_taken, "link", "{} exists already; name another file."),
        ("a folder is no file", refuse_taken, "full", "{} is a folder; name a file in it."),
        (
            "the folder of a file must be there",
            refuse_taken,
            "none/file",
            "{} cannot be written: the folder {.parent} does not exist.",
        ),
        (
            "a folder with something in it stays as it is",
            refuse_filled,
            "full",
            "The folder {} is not empty; name a folder that is empty or does not exist yet.",
        ),
        (
            "a file is no folder",
            refuse_filled,
            "file",
            "{} is not a folder; name a folder that is empty or does not exist yet.",
        ),
    ],
)
def test_what_is_there_already_is_refused(
    tmp_path: Path, rule: str, refuse: Callable[[Path], None], name: str, sentence: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    path = tmp_path / name
    with pytest.raises(CommandError) as told:
        refuse(path)
    assert str(told.value) == sentence.format(path, path), rule


AWAY, FULL = "the database is away", "the disk is full"


async def fail(fault: Exception) -> None:
    raise fault


async def told(under_way: BackgroundTasks, faults: Sequence[Exception]) -> Exception | None:
    """What is raised of these, which happened one after the other."""
    for fault in faults:
        under_way.begin(fail(fault))
        await under_way.wait(None)
    return under_way.fault()


async def test_what_goes_on_failing_is_logged_again_only_after_all_went_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    under_way, faults = BackgroundTasks(), [StorageError(AWAY), StorageError(FULL)]
    await told(under_way, faults)
    await told(under_way, faults)
    assert len(caplog.messages) == 1
    await told(under_way, [])
    await told(under_way, faults)
    assert len(caplog.messages) == 2
