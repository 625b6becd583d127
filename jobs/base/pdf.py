"""Pages of Blockline as PDF, printed by the Chromium of this machine."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "chromium-headless-shell",
)
PATIENCE_S = 300
"""Time limit. A report of more than a thousand accounts has a hundred pages, and machines can be slow."""
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
    """The PDF could not be made. The message says why, and what to do."""


def find_chromium(named: Path | None) -> Path:
    """The browser of the settings, or else the first that is found by a usual name. Raises PdfError."""
    if named is not None:
        if not os.access(named, os.X_OK) or named.is_dir():
            raise PdfError(
                f"A PDF needs Chromium, and {named} (setting chromium) is not a program that can be run. "
                "Set the setting chromium to the path of the browser."
            )
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise PdfError(
            "A PDF needs Chromium, which was not found on this machine. Install Chromium, set the setting "
            "chromium to its path, or write the report as .html and print it."
        )
    return Path(found)


def pdf_of(html: str, chromium: Path, within_s: float = PATIENCE_S) -> bytes:
    """Print the page as PDF. Raises PdfError, also if it takes longer than `within_s`."""
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
            done = subprocess.run(  # noqa: S603 - a program of the settings or of this machine
                command, capture_output=True, text=True, errors="replace", check=False, timeout=within_s
            )
        except subprocess.TimeoutExpired as error:
            raise PdfError(
                f"{chromium} did not finish the PDF within {within_s:g} s. Write the report as "
                ".html and print it."
            ) from error
        except OSError as error:
            raise PdfError(f"{chromium} could not be started: {error.strerror}.") from error
        made = out.read_bytes() if out.is_file() else b""
        if done.returncode or not made.startswith(b"%PDF-"):
            said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            why = f": {said[-1][:300]}" if said else "."
            raise PdfError(f"{chromium} did not make a PDF (exit code {done.returncode}){why}")
        return made
