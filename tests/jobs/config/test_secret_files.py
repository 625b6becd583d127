"""Secrets come from files of their own, and files with secrets that others can read are reported."""

import os
from pathlib import Path

import pytest

from jobs.config.secret_files import other_readers, permission_warnings
from jobs.config.settings import SettingsError
from tests.jobs.config.test_settings import from_file

SECRET = "hush-hush-hush"


def secret_file(tmp_path: Path, content: bytes) -> str:
    (tmp_path / "secret").write_bytes(content)
    return str(tmp_path / "secret")


@pytest.mark.parametrize(
    ("content", "clause"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"\n", "the file is empty", id="an empty line"),
        pytest.param(b" \n", "the file is empty", id="blanks"),
        pytest.param(b"a" * 70_000, "the file is larger than 64 kB", id="too large"),
        pytest.param(b"hush\nhush\n", "the file holds more than one line", id="two lines"),
        pytest.param(b"hush\0hush", "the file holds more than one line, or characters", id="a zero byte"),
        pytest.param(b"hush\xff", "the file is not a text file in UTF-8", id="no text"),
    ],
)
def test_a_file_that_holds_no_secret_is_one_sentence(tmp_path: Path, content: bytes, clause: str) -> None:
    file = secret_file(tmp_path, content)
    with pytest.raises(SettingsError, match=rf"^Setting smtp_password_file \(in .*toml\): {clause}") as said:
        from_file(tmp_path, f"smtp_password_file = '{file}'")
    assert "hush" not in str(said.value)
    assert "\n" not in str(said.value)


def test_a_file_that_cannot_be_read_is_one_sentence_that_quotes_no_secret(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, clause in (
        (SECRET, "the file does not exist"),
        ("\0", "the file does not exist"),
        (SECRET * 1000, "the file cannot be read (File name too long)"),
        (str(tmp_path), "the path is not a file"),
        (str(tmp_path / "pipe"), "the path is not a file"),
    ):
        with pytest.raises(SettingsError) as said:
            from_file(tmp_path, "", BLOCKLINE_SMTP_PASSWORD_FILE=name)
        assert str(said.value) == (
            f"Setting smtp_password_file (in the environment, as BLOCKLINE_SMTP_PASSWORD_FILE): {clause}."
        )


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    file = secret_file(tmp_path, SECRET.encode())
    with pytest.raises(SettingsError) as said:
        from_file(tmp_path, f"smtp_password = '{SECRET}'", BLOCKLINE_SMTP_PASSWORD_FILE=file)
    assert str(said.value) == (
        f"Set either smtp_password (in {tmp_path}/blockline.toml) or smtp_password_file (in the environment, "
        "as BLOCKLINE_SMTP_PASSWORD_FILE), not both."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port_file = '/dev/null'", r"^Setting port_file \(in .*\) does not exist; check its spelling\.$"),
        (
            "smtp_password_file = 5",
            r"^Setting smtp_password_file \(in .*\): it must be the name of a file, in quotes\.$",
        ),
    ],
)
def test_only_the_name_of_a_file_for_a_secret_is_taken(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        from_file(tmp_path, text)


def test_a_secret_that_is_wrong_is_named_with_its_file(tmp_path: Path) -> None:
    file = secret_file(tmp_path, b"hush hush")
    with pytest.raises(SettingsError) as said:
        from_file(tmp_path, "", BLOCKLINE_YOUTUBE_API_KEY_FILE=file)
    assert str(said.value).startswith(
        "Setting youtube_api_key (in the file that youtube_api_key_file names): it is not an API key"
    )


@pytest.mark.parametrize(
    ("mode", "owner", "readers"),
    [
        (0o600, 1000, None),
        (0o400, 0, None),
        (0o644, 1000, "Every user of this machine"),
        (0o644, 0, "Every user of this machine"),
        (0o604, 1000, "Every user of this machine"),
        (0o640, 1000, "The group of the file"),
        pytest.param(0o640, 0, None, id="root lets the group of a service read its settings"),
        pytest.param(0o622, 1000, None, id="who may only write cannot read"),
    ],
)
def test_who_else_can_read_a_file(mode: int, owner: int, readers: str | None) -> None:
    assert other_readers(Path("/etc/blockline.toml"), 0o100000 | mode, owner) == readers


def test_secrets_of_docker_are_readable_in_the_container_only() -> None:
    assert other_readers(Path("/run/secrets/smtp_password"), 0o100444, 0) is None


def test_files_with_secrets_that_others_can_read_are_named_with_the_settings(tmp_path: Path) -> None:
    file = secret_file(tmp_path, SECRET.encode())
    text = f"port = 1\nsmtp_password = '{SECRET}'\nx_bearer_token = 'x'\nyoutube_api_key_file = '{file}'"
    settings = from_file(tmp_path, text, BLOCKLINE_SMTP_PASSWORD="from the environment")
    toml = tmp_path / "blockline.toml"
    for mode in (0o600, 0o644):
        toml.chmod(mode)
        Path(file).chmod(mode)
        said = permission_warnings(settings.secret_files)
        assert said == [] if mode == 0o600 else len(said) == 2
    assert said == [
        f"Every user of this machine can read {toml}, which contains smtp_password, x_bearer_token. Let only "
        f"Blockline's user read it, for example with: chmod 600 {toml}",
        f"Every user of this machine can read {file}, which contains youtube_api_key. Let only "
        f"Blockline's user read it, for example with: chmod 600 {file}",
    ]
    Path(file).unlink()
    assert len(permission_warnings(settings.secret_files)) == 1
