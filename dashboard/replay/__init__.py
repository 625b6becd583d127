"""The Replay page: any past moment, the replay film, and "What if" with other rules.

It may import every folder of `dashboard` except `server` and `api`; and `storage`.
Begin with `page.py`. It draws a moment in tables; `film.py` makes the film, `reevaluation.py`
starts an evaluation with other rules.
"""
