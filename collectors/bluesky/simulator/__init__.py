"""The simulator of Bluesky: app view, account servers, DID directory, labelers and Jetstream.

One address serves all of them; `labeler_app.py` serves one labeler with keys and a stream of its own. All but
that and `app.py` is pure. It may import the simulator's `core`, `collectors.core`, `collectors.bluesky.wire`
and `storage.model`.
Begin with `answers.py`. It holds `BlueskyAnswers`, which maps a request to an answer; `world.py` holds
the state at a moment.
"""
