"""`blockline init` writes settings that are read from anywhere, and `where` names every place."""

from importlib import resources
from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline, blockline, forget_settings

TEMPLATE = (resources.files("jobs.config") / "settings_template.toml").read_text(encoding="utf-8")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return blockline(capsys)


def test_init_writes_settings_that_are_read_in_any_folder(run: Blockline, tmp_path: Path) -> None:
    file = tmp_path / "config/blockline/blockline.toml"
    assert "(does not exist; `blockline init` writes it)" in run("where").out
    wrote = run("init")
    assert (wrote.code, wrote.err) == (0, "")
    assert wrote.said == [
        f"Wrote {file}. With it, Blockline reads the platforms that need no key.",
        "For email, set recipients and smtp_host in it.",
        "Then check the installation with: blockline doctor",
    ]
    assert file.read_text(encoding="utf-8") == TEMPLATE
    assert file.stat().st_mode & 0o777 == 0o600

    file.write_text(TEMPLATE.replace('# data_dir = "/var/lib/blockline"', f'data_dir = "{tmp_path}/data"'))
    assert run("where", "--json").json["data"] == f"{tmp_path}/data"
    assert run("where", "--json").json["settings"] == str(file)


def test_the_file_of_the_folder_comes_before_that_of_the_user(run: Blockline, tmp_path: Path) -> None:
    run("init")
    assert run("init", "blockline.toml").code == 0
    assert run("where", "--json").json["settings"] == str(tmp_path / "blockline.toml")
    Path("blockline.toml").write_text("colour = 1")
    refused = run("where")
    assert (refused.code, refused.complaints) == (
        1,
        ["Setting colour (in blockline.toml) does not exist; check its spelling."],
    )


def test_init_replaces_nothing_and_says_how_another_file_is_used(run: Blockline) -> None:
    run("init")
    again = run("init")
    assert again.code == 1
    assert again.err.endswith("blockline.toml exists already; name another file.\n")
    assert run("init", "missing/folder.toml").complaints == [
        "missing/folder.toml cannot be written: the folder missing does not exist."
    ]
    assert run("init", "other.toml").said[-1].endswith("blockline doctor --config other.toml")


def test_a_folder_that_cannot_be_made_is_one_sentence(
    run: Blockline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("BLOCKLINE_DATA_DIR", str(tmp_path / "file"))
    for command, folder in (("init", "blockline"), ("backup", "backups")):
        ran = run(command)
        assert ran.code == 1
        assert ran.complaints == [f"The folder {tmp_path}/file/{folder} cannot be made: Not a directory."]
