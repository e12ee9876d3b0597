"""Names that someone chose to break a page, a table, a paper or a terminal."""

from __future__ import annotations

SEEDS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></script><svg/onload=alert(1)>",
    "--><iframe src=javascript:alert(1)>",
    "&lt;b&gt; &#60;i&#62; &amp",
    "</textarea></select><a href=//x.example>x</a>",
    "@@DATA@@ @@SCRIPT@@",
    "=cmd|'/c calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1",
    " \r\n=1",
    "'=1+1",
    "\uff1dHYPERLINK(1)",
    '=HYPERLINK("http://x.example","y")',
    'a","=1+1',
    "a;=1+1",
    "a\n=1+1",
    "a\r=1+1",
    "\x00\x07\x1b[31mred\x1b]0;title\x07",
    "\x9b31m",
    "\u202e\u2066gnp.exe",
    "a\u200bb\ufeffc\u2028d\x85e\x0bf\x0cg",
    "e\u0301\u0300\u0302" * 3,
    "\u732b\U0001f408 \u0645\u0631\u062d\u0628\u0627",
    "na\u00efve \u0160koda \u00f0\u00fe",
    "$\\alpha$ $x^2",
    "\\input{/etc/passwd} \\end{tabular} \\\\ & % # _ ~ ^ { }",
    "\\",
    "| a | b |",
    "[x](javascript:alert(1)) ![y](z) <http://x.example> `code` **b** # h",
    "]]><x:y>",
    "{{7*7}} ${7*7} %s %(a)s {0}",
    " blanks outside ",
    "../../etc/passwd",
    "con:nul*?",
    "-rf --help",
    "x" * 10_000,
    "\ud800lone\udcff",
)


def hostile_strings(count: int) -> list[str]:
    """So many different names; the number that tells them apart stands at their end."""
    return [f"{SEEDS[number % len(SEEDS)]}{number}" for number in range(count)]


def hostile_file_names(count: int) -> list[str]:
    """So many different names that a file system takes: short, no slash, no zero, UTF-8."""
    allowed = (
        name.replace("/", "\u2215").replace("\0", "").encode("utf-8", "replace").decode()[-60:]
        for name in hostile_strings(2 * count)
    )
    return [name for name in allowed if not name.startswith(".")][:count]


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet takes a cell for a formula: a second opinion, written by itself."""
    text = cell.strip(" \t\r\n\x0b\x0c\x85\xa0\u2028\u200b\ufeff")
    if not text or text[0] not in "=+-@\uff1d\uff0b\uff0d\uff20":
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False
