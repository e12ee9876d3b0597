"""Run the tutorial notebook and make a page of it.

    python docs/notebook.py            runs it, and prints the page

As a hook of mkdocs it puts the page `tutorial.md` and its pictures into the site. The notebook is
kept without outputs, so that what a reader sees was made by the code beside it.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

NOTEBOOK = Path(__file__).parent / "tutorial.ipynb"
LONGEST = 600  # seconds that one cell may take


def executed(path: Path = NOTEBOOK) -> Any:
    """The notebook with its outputs, run in an empty folder by a kernel of this Python.

    Raises:
        CellExecutionError: When a cell fails; its text holds the traceback.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        quiet = ["--log-level=ERROR"]  # the kernel warns that other users could read along
        client = NotebookClient(
            notebook, timeout=LONGEST, resources=resources, extra_arguments=quiet
        )
        client.execute()
    return notebook


def page_of(notebook: Any) -> tuple[str, dict[str, bytes]]:
    """The notebook as Markdown, and its pictures by their file names."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        told = [output.text for output in cell.outputs if output.output_type == "stream"]
        parts += [_indented("".join(told))] if told else []
        parts += [_shown(o, pictures) for o in cell.outputs if o.output_type != "stream"]
    parts.append("[This page as a notebook](tutorial.ipynb)")
    return "\n\n".join(parts) + "\n", pictures


def _shown(output: Any, pictures: dict[str, bytes]) -> str:
    """One output: a picture, a table, or text."""
    content = output.data
    if "image/png" in content:
        name = f"tutorial-{len(pictures) + 1}.png"
        pictures[name] = base64.b64decode(content["image/png"])
        return f"![The picture that the code above draws]({name})"
    if "text/html" in content:
        return "".join(content["text/html"]).strip()
    return _indented("".join(content["text/plain"]))


def _indented(text: str) -> str:
    """Preformatted text in Markdown."""
    return "\n".join("    " + line for line in text.rstrip().splitlines())


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page and its pictures; called by mkdocs."""
    from mkdocs.structure.files import File

    page, pictures = page_of(executed())
    files.append(File.generated(config, "tutorial.md", content=page))
    for name, content in pictures.items():
        files.append(File.generated(config, name, content=content))
    return files


if __name__ == "__main__":
    sys.stdout.write(page_of(executed())[0])
