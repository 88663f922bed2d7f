"""Numbers on the command line, called what they are in messages; click says "integer range"."""

from __future__ import annotations

import click


class Count(click.IntRange):
    """A whole number within bounds."""

    name = "whole number"


class Seconds(click.FloatRange):
    """A number within bounds."""

    name = "number"
