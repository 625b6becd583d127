"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file.", show_default="blockline.toml, if there is one"),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Store the lines that are right, even if others are refused.")
]
