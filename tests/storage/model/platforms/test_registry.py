"""Which platforms there are is found by entry points; one that cannot be used is named in a sentence."""

import subprocess
import sys

import pytest

# What is installed is read once, so each case has a process of its own.
_PROGRAM = """
import importlib.metadata as installed
import sys, types

name, ours = {name!r}, {ours}
module = types.ModuleType("other.declaration")
sys.modules |= {{"other": types.ModuleType("other"), "other.declaration": module}}
entries = [installed.EntryPoint(name, "other", "blockline.platforms")] if name else []
entries += installed.entry_points(group="blockline.platforms") if ours else []
installed.entry_points = lambda group: entries

from storage.model.platforms.declaration import PlatformDeclaration

class Toy(PlatformDeclaration):
    name, id_example, handle_example = "Toy", "t1", "toy"

    def is_native_id(self, text):
        return text == "t1"

module.DECLARATION = {declaration}
try:
    import storage.model.platforms.registry
except (ImportError, TypeError) as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("name", "ours", "declaration", "said"),
    [
        pytest.param("", False, "None", "No platform is installed.", id="no platform"),
        pytest.param(
            "toy", True, "None", "other.declaration, of the platform toy, is no", id="no declaration"
        ),
        pytest.param("toy2", True, "Toy()", "'toy2' cannot be the key of a platform", id="no key"),
        pytest.param(
            "toy",
            True,
            "Toy()",
            "The platform toy does not declare handle_form, terms, address_settings.",
            id="half a declaration",
        ),
    ],
)
def test_a_platform_that_cannot_be_used_is_named(name: str, ours: bool, declaration: str, said: str) -> None:
    program = _PROGRAM.format(name=name, ours=ours, declaration=declaration)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(said)
