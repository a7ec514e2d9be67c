"""The measured programs, each a good one of its kind: `python -m bench.programs.NAME` runs until stopped."""
