"""Reads OONI's counts of measurements: one request for a country, some domains and some days."""

import random
from datetime import datetime

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import MOST_JITTER_S, NOT_STATED, failure_of, read_window
from collectors.core.wire import WireFault
from collectors.network.wire.aggregation import PATH, AggregationQuestion, read_aggregation
from collectors.transport.client import Http, NoAnswer
from storage.model.core.availability import MissedReason
from storage.model.core.reachability import MeasuredDay


class Measurements:
    """Asks the API of OONI at `base_url`."""

    def __init__(self, http: Http, base_url: str, dice: random.Random) -> None:
        self._http = http
        self._base_url = base_url
        self._dice = dice

    async def days(
        self, asked: AggregationQuestion, now: datetime
    ) -> tuple[MeasuredDay, ...] | RequestFailure:
        """The days with measurements, as published now. Later measurements of the same days are added for
        some days more, as devices send them in when they can.
        """
        window = NOT_STATED
        try:
            answer = await self._http.get(self._base_url + PATH, asked.parameters)
        except NoAnswer as error:
            said = WireFault(MissedReason.NETWORK, str(error))
        else:
            window = read_window(answer.headers)
            said = read_aggregation(answer.http_status, answer.body, asked)
        if isinstance(said, WireFault):
            return failure_of(said, window, now, self._dice.uniform(0, MOST_JITTER_S))
        return said
