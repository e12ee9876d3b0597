"""The guide prints what it says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "metrics.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


def test_every_block_of_the_guide_prints_the_text_below_it() -> None:
    namespace: dict[str, object] = {}
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    for code, printed in blocks:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, str(GUIDE), "exec"), namespace)  # noqa: S102 - our own page

        assert output.getvalue() == printed
    assert len(blocks) > 5
