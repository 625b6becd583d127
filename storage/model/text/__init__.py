"""Words for people: states, side facts, collectors, countries, durations and axis labels.

Pure: standard library only. It may import `core`. Pages, emails and commands take their words from
here, so that they agree.
Begin with `states.py`. It says what a state and a change are called.
"""
