"""The table of layers written out: Markdown, LaTeX, CSV and the one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._writing_line import line_of

if TYPE_CHECKING:
    from convkit.architecture._architecture import Architecture


def to_text(architecture: Architecture) -> str:
    """The one line that `Architecture.parse` reads back.

    Raises:
        ArchitectureError: For a row that cannot be written as words.
    """
    return line_of(architecture.rows)
