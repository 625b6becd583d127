"""Settings: where they come from, and the sentence that a wrong one gets."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.app import refuse_open_door, sender, x_collector
from jobs.settings import Settings, SettingsError, load_settings
from storage.model.availability import Status


def from_file(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "blockline.toml"
    path.write_text(text)
    return load_settings(path, environ)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = from_file(tmp_path, 'port = 1\nsweep_every = "1h"', BLOCKLINE_PORT="2")
    assert (settings.port, settings.sweep_every) == (2, timedelta(hours=1))


def test_several_values_in_the_environment_stand_apart_by_commas(tmp_path: Path) -> None:
    settings = from_file(tmp_path, "", BLOCKLINE_RECIPIENTS="a@x.org, b@x.org")
    assert settings.recipients == ("a@x.org", "b@x.org")


def test_secrets_do_not_print(tmp_path: Path) -> None:
    settings = from_file(tmp_path, "", BLOCKLINE_X_BEARER_TOKEN="geheim", BLOCKLINE_SMTP_PASSWORD="geheim")
    assert "geheim" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_control_accounts_are_id_handle_and_status(tmp_path: Path) -> None:
    settings = from_file(tmp_path, 'x_canaries = ["783214:X:available", "5:gone:suspended"]')
    assert settings.canaries() == [("783214", "X", Status.AVAILABLE), ("5", "gone", Status.SUSPENDED)]


@pytest.mark.parametrize(
    ("text", "environ", "sentence"),
    [
        pytest.param(
            "port = 99999", {}, r"^Setting port \(in .*blockline\.toml\): .*65535", id="too large a port"
        ),
        pytest.param(
            "prot = 1", {}, r"^Setting prot \(in .*blockline\.toml\) is not known\.$", id="a misspelt name"
        ),
        pytest.param('sweep_every = "soon"', {}, r"^Setting sweep_every .*15m", id="a duration that is none"),
        pytest.param(
            'recipients_zone = "India"', {}, r"^Setting recipients_zone .*Asia/Kolkata", id="no zone"
        ),
        pytest.param('smtp_security = "ssl"', {}, r"^Setting smtp_security .*starttls", id="an unknown word"),
        pytest.param(
            'x_canaries = ["X"]', {}, r"^Setting x_canaries: 'X' .*id:handle:status", id="half a canary"
        ),
        pytest.param("port = ", {}, r"blockline\.toml: not TOML", id="not TOML"),
        pytest.param(
            "",
            {"BLOCKLINE_PORT": "many"},
            r"^Setting port \(in the environment, as BLOCKLINE_PORT\)",
            id="a wrong value in the environment",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(
    tmp_path: Path, text: str, environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        from_file(tmp_path, text, **environ)


def test_a_settings_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: cannot be read"):
        load_settings(tmp_path / "none.toml", {})


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_without_a_login_no_other_machine_may_reach_the_dashboard(host: str) -> None:
    with pytest.raises(SettingsError, match="Setting host"):
        refuse_open_door(Settings(host=host, auth="none"))


def test_the_loopback_without_a_login_must_be_asked_for() -> None:
    with pytest.raises(SettingsError, match="Setting auth"):
        refuse_open_door(Settings())
    refuse_open_door(Settings(auth="none"))
    refuse_open_door(Settings(auth="none", host="::1"))


def test_a_missing_token_is_named() -> None:
    with pytest.raises(SettingsError, match="Setting x_bearer_token is missing"):
        x_collector(Settings())


def test_a_password_in_clear_is_refused() -> None:
    settings = Settings(smtp_host="mail.example.org", smtp_security="none", smtp_username="me")
    with pytest.raises(SettingsError, match="in clear"):
        sender(settings)
