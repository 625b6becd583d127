"""The browser that tests and pictures use: the system's Chromium, without a word to anybody outside."""

import os
from pathlib import Path

CHROMIUM = Path(os.environ.get("BLOCKLINE_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
