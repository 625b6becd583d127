"""A whole installation that asks simulated platforms, on one event loop."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from jobs.config.settings import load_settings
from jobs.runtime.app import ProcessRole, running
from tests.support.simulated.several_platforms import leading_to


@asynccontextmanager
async def installation(
    addresses: Mapping[str, str],
    dsn: str,
    folder: Path,
    smtp_port: int | None,
    *roles: ProcessRole,
    sweep_every: str = "15m",
) -> AsyncGenerator[str]:
    """Yield the address of its dashboard. `addresses` are those of the simulators. Without a port it sends no
    email.
    """
    environment = {
        **leading_to(addresses),
        "BLOCKLINE_DATA_DIR": str(folder),
        "BLOCKLINE_AUTH": "none",
        "BLOCKLINE_PORT": "0",
        "BLOCKLINE_SWEEP_EVERY": sweep_every,
    }
    if smtp_port is not None:
        environment |= {
            "BLOCKLINE_SMTP_HOST": "127.0.0.1",
            "BLOCKLINE_SMTP_PORT": str(smtp_port),
            "BLOCKLINE_SMTP_SECURITY": "none",
        }
    settings = load_settings(None, environment)
    async with running(settings, dsn, roles or tuple(ProcessRole)) as said:
        yield next(s for s in said if s.startswith("Dashboard on ")).removeprefix("Dashboard on ")
