"""The console script. It loads the commands itself, so that stopping that shows no traceback either."""

import sys


def main() -> None:
    """Run `blockline`. Loading all of it takes a second, in which somebody may think better of it."""
    try:
        from jobs.cli.main import main as run
    except KeyboardInterrupt:
        print("Stopped before anything was done.", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    run()
