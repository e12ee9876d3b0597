"""The `convkit` command: what the rooms do, for people at a terminal."""

from convkit.cli._main import main

__all__ = ["main"]
