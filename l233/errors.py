"""What a person is told when a command can't do its work, and the exit code that goes with it.

L233Error                  1   the answer is no
├── BadInput               2   what was given can't be read or used: a file, an option, a setting
└── NoBroker               3   no Kafka answers, or the local one could not be started

A message is one line: what is wrong, where, and what to do next. `l233.cli.main` prints it without a
traceback (`L233_DEBUG=1` shows one) and exits with the code of its class.
"""

from typing import ClassVar


class L233Error(Exception):
    """A command failed in a way that a person can act on: the message is one line that says how."""

    exit_code: ClassVar[int] = 1


class BadInput(L233Error):
    """A file, an argument or a setting is wrong."""

    exit_code: ClassVar[int] = 2


class NoBroker(L233Error):
    """Kafka can't be reached, or the local one can't be started."""

    exit_code: ClassVar[int] = 3
