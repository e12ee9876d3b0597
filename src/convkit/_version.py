"""The version, in its one place: the packaging reads this line too."""

__version__ = "0.1.0"
