"""Inputs with what was decided on them: the decisions that today's code has to agree with."""
