"""Our own scripts and styles under an address that names their content, so that a browser keeps them.

Requesting thirty small files for each page, even unchanged ones, takes longer than loading its data. A new
version has a new address, and browsers keep only files of that version.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS = Path(__file__).parent.parent / "assets"
_IMPORTED = re.compile(r'^(?:import|export) [^"]* from "(\.[^"]+)";$', re.MULTILINE)
CACHE_FOREVER = "private, max-age=31536000, immutable"
"""For the browser only: a proxy must not serve what needs a login."""


def version_of(folder: Path) -> str:
    """Changes whenever a file of the folder does."""
    digest = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def modules_of(entry: str) -> tuple[str, ...]:
    """The scripts that `entry` (a path below the folder) imports, and those that they import; itself first.

    What a script fetches only when it needs it is not among them.
    """
    found = [entry]
    for name in found:
        folder = (ASSETS / name).parent
        for path in _IMPORTED.findall((ASSETS / name).read_text(encoding="utf-8")):
            module = (folder / path).resolve().relative_to(ASSETS.resolve()).as_posix()
            if module not in found:
                found.append(module)
    return tuple(found)


def mount_static(server: FastAPI) -> str:
    """Serve the files, and return the address to use instead of "/assets"."""
    version = version_of(ASSETS)
    server.mount("/static", _Kept(version))
    return f"/static/{version}"


class _Kept(StaticFiles):
    def __init__(self, version: str) -> None:
        super().__init__(directory=ASSETS)
        self._version = version

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file of this version, to be kept; for anything else a 404 that is not kept."""
        version, _, rest = path.partition("/")
        if version == self._version:
            try:
                response = await super().get_response(rest, scope)
            except HTTPException:
                pass
            else:
                response.headers["cache-control"] = CACHE_FOREVER
                return response
        return Response("This file does not exist.", 404, {"cache-control": "no-store"}, "text/plain")
