"""The law in force, as data: scheme versions, organism directory, territories."""
