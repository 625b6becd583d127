"""The console script. It loads the commands itself, so that stopping that shows no traceback either."""

import sys

from jobs.base.errors import STOPPED


def main() -> None:
    """Run `blockline`."""
    try:
        from jobs.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except ImportError as error:  # something is not installed
        sys.exit(str(error))
    run()
