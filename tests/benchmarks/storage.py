"""What keeping readings costs and how fast they are there again. `make bench GROUP=storage`."""

from collections.abc import Iterator

from tests.benchmarks import storage_asked, storage_imported, storage_many, storage_mixed, storage_plain
from tests.benchmarks.measuring import Figure


def figures() -> Iterator[Figure]:
    plain = storage_plain.measured()
    yield from plain.figures()
    yield from storage_mixed.figures(plain.copied.bytes_each)
    yield from storage_many.figures()
    yield from storage_asked.figures()
    yield from storage_imported.figures()
