"""Collection of engagements: timelines, likes, follows and favourites of executives.

It may import every folder of `jobs` except `cli`, `doctor`, `rehearsal`, `orders`, `runtime` and
`imports`. It may also import the other packages.
Begin with `timelines.py`. It polls one executive at a time and stores the cursor with the engagements.
"""
