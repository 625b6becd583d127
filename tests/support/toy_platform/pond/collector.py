"""The collector of Pond."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from collectors.core.collector import BatchReadings, Exchange, Resolution, UnresolvedHandle, UnresolvedReason
from collectors.core.wire import WireFault, is_array, is_object, parse
from collectors.transport.batch_collector import BatchCollector, BatchRequest

from .declaration import POND
from .wire import read_accounts


class PondCollector(BatchCollector):
    platform = POND

    def request(self, native_ids: Sequence[str]) -> BatchRequest:
        url = f"{self._base_url}/accounts"
        return BatchRequest(url, [("ids", ",".join(native_ids))], f"{url}?ids=… ({len(native_ids)})")

    def readings(
        self, http_status: int, body: bytes, asked: Sequence[str], at: datetime
    ) -> BatchReadings | WireFault:
        return read_accounts(http_status, body, asked, at)

    def excerpt(self, exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
        document = parse(exchange.body)
        items = document.get("accounts") if is_object(document) else None
        kept = filter(is_object, items) if is_array(items) else ()
        about = {str(i.get("id")): {k: i.get(k) for k in ("id", "name", "state", "in")} for i in kept}
        return {native_id: about[native_id] for native_id in native_ids if native_id in about}

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """Pond looks up no names: ids are given."""
        nothing = (UnresolvedHandle(name, UnresolvedReason.NOT_A_HANDLE, "give its id") for name in names)
        return Resolution((), tuple(nothing))
