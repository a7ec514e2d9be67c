"""Kills workers at random while events arrive, and holds everything that came out against the input.

`python -m bench.faults --events 100000 --kills 20 --json`. The crew runs the roles as anybody would, the
feed publishes a realistic day, the auditor recomputes from the committed input what must stand everywhere.
"""
