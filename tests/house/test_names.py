"""A class name stands once, so that a sentence, a log line or an import says which class is meant."""

import ast
import sys
from collections import Counter

from tests.house.source import modules, tree

IN_THE_API_DOCUMENT = frozenset(
    [
        "Account",
        "Claim",
        "Condition",
        "Executive",
        "Mail",
        "Mute",
        "Order",
        "Reading",
        "Signal",
        "Spell",
        "State",
        "WrittenStory",
    ]
)
"""The published name of a schema and the noun of `storage.model` that it shows."""
OTHERWISE = {
    "Collector": "what asks a platform, and what the API document shows of one",
    "Page": "a page of the dashboard, and in the API document a part of an answer",
    "Kind": "two enums of the API document; to rename either would rename the schemas of both",
}


def test_a_class_name_stands_in_one_module() -> None:
    counted = Counter(node.name for m in modules() for node in tree(m).body if isinstance(node, ast.ClassDef))
    twice = {name for name, n in counted.items() if n > 1}
    assert twice == IN_THE_API_DOCUMENT | OTHERWISE.keys()
    assert max(counted.values()) == 2


def test_no_module_is_named_after_the_standard_library() -> None:
    assert [m for m in modules() if m.stem in sys.stdlib_module_names] == []
