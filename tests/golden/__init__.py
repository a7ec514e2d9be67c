"""Golden sagas: events in, events out, each in a folder that reads as a document.

`input.jsonl` is what producers send, `expected.jsonl` what the rules of the example scheme make of it, told
from the rules and not from what came out, `saga.toml` what the story is about and until when it goes.
`README.md` tells all three; `python -m tests.golden.telling` writes it.
"""
