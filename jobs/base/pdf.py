"""A page of our own as PDF, printed by the Chromium of this machine."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_S = 300
"""A report of more than a thousand accounts has a hundred pages, and machines are slow."""
_ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)


class PdfError(Exception):
    """No PDF was made. The message is a sentence."""


def find_chromium(named: Path | None) -> Path:
    """The browser that the settings name, else the first of the usual names. Raises PdfError."""
    if named is not None:
        if not os.access(named, os.X_OK) or named.is_dir():
            raise PdfError(f"No PDF without Chromium: {named} (setting chromium) is no program.")
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise PdfError(
            "No PDF without Chromium, and none is installed here: install it, name it with the setting "
            "chromium, or write the report as .html and print that."
        )
    return Path(found)


def pdf_of(html: str, chromium: Path) -> bytes:
    """The page as PDF. Raises PdfError."""
    with tempfile.TemporaryDirectory(prefix="blockline-pdf-") as name:
        folder = Path(name)
        page, out = folder / "report.html", folder / "report.pdf"
        page.write_text(html, encoding="utf-8")
        command = [
            str(chromium),
            *_ARGUMENTS,
            # Chromium refuses to run as root with its sandbox; the page is ours and has no script.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={out}",
            page.as_uri(),
        ]
        try:
            done = subprocess.run(  # noqa: S603 - a program that the settings or this machine name
                command, capture_output=True, text=True, errors="replace", check=False, timeout=PATIENCE_S
            )
        except subprocess.TimeoutExpired as error:
            raise PdfError(f"{chromium} made no PDF within {PATIENCE_S // 60} minutes.") from error
        except OSError as error:
            raise PdfError(f"{chromium} cannot be run: {error.strerror}.") from error
        made = out.read_bytes() if out.is_file() else b""
        if done.returncode or not made.startswith(b"%PDF-"):
            said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            why = f", and says: {said[-1][:300]}" if said else "."
            raise PdfError(f"{chromium} made no PDF (exit code {done.returncode}){why}")
        return made
