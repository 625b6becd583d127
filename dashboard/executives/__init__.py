"""The Executives pages: engagements beside the blocks of the same time.

It may import `auth`, `wire`, `feeds`, `sizing`, `asgi`, `ui` and `storage`. Begin with
`person_engagement.py`. It reads and counts one person's engagements; `executive_page.py` draws them and
`chart.py` their figure.
"""
