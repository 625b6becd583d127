"""A platform that nobody runs, as small as one can be: what somebody who adds a platform writes."""
