"""Files and folders get their name when they are whole, and replace nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from jobs.base.atomic_files import refuse_filled, refuse_taken, whole_file, whole_folder
from jobs.base.background_tasks import BackgroundTasks
from jobs.base.errors import CommandError
from storage.postgres.pool import StorageError


def failing(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def failing_folder(path: Path) -> None:
    with whole_folder(path) as folder:
        (folder / "month").mkdir()
        (folder / "month" / "half").write_bytes(b"half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("work", [failing, failing_folder])
def test_what_is_interrupted_leaves_nothing(tmp_path: Path, work: Callable[[Path], None]) -> None:
    with pytest.raises(KeyboardInterrupt):
        work(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_nothing_has_the_name_before_all_of_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with whole_file(path) as file:
        file.write(b"all")
        assert not path.exists()
    assert path.read_bytes() == b"all"
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_folder_is_filled_as_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    with whole_folder(path) as folder:
        (folder / "part").write_bytes(b"all")
        assert list(path.iterdir()) == []
    assert [p.name for p in path.iterdir()] == ["part"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_came_in_between_is_not_replaced(tmp_path: Path) -> None:
    def write() -> None:
        with whole_file(tmp_path / "out"):
            (tmp_path / "out").write_bytes(b"of somebody else")

    with pytest.raises(CommandError, match="exists already"):
        write()
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"of somebody else"]


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


@pytest.mark.parametrize(
    ("faults", "raised", "logged"),
    [
        pytest.param([], None, [], id="without a fault nothing is told"),
        pytest.param([StorageError(AWAY)], 0, [], id="a single fault is raised"),
        pytest.param(
            [StorageError(AWAY), StorageError(AWAY)], 0, [], id="of several that say the same one is told"
        ),
        pytest.param(
            [StorageError(AWAY), StorageError(FULL), StorageError(FULL)],
            0,
            [FULL],
            id="what another one says besides is logged once",
        ),
        pytest.param(
            [StorageError(AWAY), KeyError(7)], 1, [AWAY], id="one that nobody foresaw hides behind no other"
        ),
        pytest.param(
            [KeyError(7), ValueError("odd"), KeyError(8)],
            0,
            ["(ValueError: odd)"],
            id="of those that nobody foresaw each kind is told once",
        ),
    ],
)
async def test_faults(
    caplog: pytest.LogCaptureFixture, faults: list[Exception], raised: int | None, logged: list[str]
) -> None:
    assert await told(BackgroundTasks(), faults) is (None if raised is None else faults[raised])
    assert len(caplog.messages) == len(logged)
    for said, message in zip(logged, caplog.messages, strict=True):
        assert said in message


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
