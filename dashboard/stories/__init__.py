"""Written stories: their pages, forms and figures, and a story as one HTML file.

It may import `alerts`, `countries`, `executives`, `orders`, `people`, `auth`, `feeds`, `sizing`,
`wire`, `asgi`, `ui` and `storage`.
Begin with `story_page.py`. It draws a story for its reader; `content.py` says what it tells, for page
and file alike.
"""
