"""How a request is made: here or by another worker, within rate limits and circuit breakers.

Of `jobs` it may import `alerting`, `base` and `detect`. It may also import the other packages.
Begin with `local_requester.py`. It holds the interface of a requester, and the requester of this
process. `queued_requester.py` uses the queue; `worker.py` makes the requests of the queue.
"""
