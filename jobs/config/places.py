"""Where an installation keeps its files by the convention of the system, if the settings name no place."""

import os
from pathlib import Path

from platformdirs import user_config_path, user_data_path

FILE_NAME = "blockline.toml"


def settings_file() -> Path:
    """The settings of the user, which are read if the current folder has no `blockline.toml`."""
    return user_config_path("blockline") / FILE_NAME


def data_folder() -> Path:
    """The default of the setting `data_dir`.

    The embedded Postgres of root runs as another user, who cannot enter root's home.
    """
    return Path("/var/lib/blockline") if os.geteuid() == 0 else user_data_path("blockline")


def backup_folder(data_dir: Path) -> Path:
    """Where `blockline backup` writes if it is called without a file."""
    return data_dir / "backups"
