"""Work that several workers share: the request queue, answers, rate limits and the daily cost limit.

It may import `accounts`, `backup`, `countries`, `embedded`, `export`, `people`, `readings`, `postgres`
and `model`. PgQueuer is imported here and nowhere else.
Begin with `request_queue.py`. It puts requests into the queue; `workers.py` records the workers and the
leaders.
"""
