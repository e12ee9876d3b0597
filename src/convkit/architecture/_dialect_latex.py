r"""LaTeX `tabular`s as rows of cells."""

from __future__ import annotations

import re

from convkit.architecture._dialect_grid import MAX_COLUMNS, MAX_ROWS, Grid, GridRow, make_grid
from convkit.errors import TableError

_BEGIN = re.compile(r"\\begin\{(tabular\w{0,20}|longtable|array|tblr|NiceTabular)(\*?)\}")
_PIECE = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}&%~$\n]|[^\\{}&%~$\n]+", re.DOTALL)
_NUMBER = re.compile(r"3[2-9]|[4-9]\d(?!\d)|1[01]\d|12[0-6]")  # of a printable ASCII character
_LONGEST_CELL = 10_000
# Commands that draw lines or set fonts and colours, and how many arguments go with them.
_DROPPED = {
    "hline": 0, "toprule": 0, "midrule": 0, "bottomrule": 0, "addlinespace": 0, "cline": 1,
    "cmidrule": 1, "centering": 0, "small": 0, "footnotesize": 0, "scriptsize": 0, "bfseries": 0,
    "itshape": 0, "ttfamily": 0, "raggedright": 0, "rowcolor": 1, "cellcolor": 1, "color": 1,
    "label": 1, "cite": 1, "ref": 1, "vspace": 1, "hspace": 1, "noalign": 1, "strut": 0,
    "displaystyle": 0, "quad": 0, "qquad": 0, "left": 0, "right": 0, "tabularnewline": 0,
    "endhead": 0, "endfirsthead": 0, "endfoot": 0, "endlastfoot": 0, "multirow": 2, "caption": 1,
    "rule": 2, "arraybackslash": 0, "em": 0, "bf": 0, "it": 0, "tt": 0, "rm": 0, "large": 0,
    "normalsize": 0, "tiny": 0, "hfill": 0, "Xhline": 1, "specialrule": 3, "null": 0, "phantom": 1,
    "footnote": 1, "tnote": 1, "ldots": 0, "rotatebox": 1, "setlength": 2, "thickhline": 0,
}  # fmt: skip
_SIGNS = {
    "times": " x ", "to": "->", "rightarrow": "->", "Rightarrow": "->", "longrightarrow": "->",
    "cdot": " x ", "ast": " x ", "backslash": "\\", "textasteriskcentered": "*", "sim": "~",
    "approx": "~", "textendash": "-", "textemdash": "-", "textminus": "-", "checkmark": "yes",
    "pm": "±", "texttimes": " x ", "textsf": "", "sum": "total", "Sigma": "total", "colon": ":",
}  # fmt: skip
_ESCAPED = {
    "textbackslash": "\\",
    "textasciicircum": "^",
    "textasciitilde": "~",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textquotedbl": '"',
}


def looks_like_latex(text: str) -> bool:
    r"""Whether a text holds a `tabular`, or lines of cells that end with a double backslash."""
    return _BEGIN.search(text) is not None or ("&" in text and "\\\\" in text)


def read_latex(text: str, readings: list[str]) -> Grid:
    r"""The rows of the first `tabular` of a text.

    Raises:
        TableError: When a brace or the `tabular` is not closed.
    """
    begin = _BEGIN.search(text)
    line = 1
    body = text
    if begin is not None:
        body, start = _body(text, begin)
        line += text.count("\n", 0, start)
        if _BEGIN.search(text, start + len(body)):
            readings.append(f"the text holds several tables: the one from line {line} on is read")
    return make_grid(_Rows(body, line).rows(), "LaTeX")


def _body(text: str, begin: re.Match[str]) -> tuple[str, int]:
    r"""What stands between `\begin{tabular}{...}` and `\end{tabular}`, and where."""
    name = begin[1] + begin[2]
    end = text.find(f"\\end{{{name}}}", begin.end())
    if end < 0:
        raise TableError(f"\\begin{{{name}}} is not closed; add \\end{{{name}}}")
    start = begin.end()
    arguments = 2 if name in {"tabularx", "tabular*", "tabulary"} else 1
    for _ in range(arguments):
        start = _after_group(text, start, end)
    return text[start:end], start


def _after_group(text: str, start: int, end: int) -> int:
    """Where the group in braces that begins here ends; options in brackets before it too."""
    index = start
    while index < end and text[index] in " \n[":
        index = text.find("]", index, end) + 1 if text[index] == "[" else index + 1
        if index == 0:
            return start
    if index >= end or text[index] != "{":
        return start
    depth = 0
    for position in range(index, end):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return position + 1
    raise TableError("a brace in the head of the tabular is not closed")


class _Rows:
    """Goes once through the body of a table and collects its cells.

    Args:
        body: The text between begin and end.
        line: The line of the source on which it begins.
    """

    def __init__(self, body: str, line: int) -> None:
        self.pieces = _PIECE.findall(body)
        self.at = 0
        self.line = line
        self.depth = 0
        self.cell: list[str] = []
        self.cells: list[str] = []
        self.extra = 0  # columns that a \multicolumn spans beyond its own
        self.found: list[GridRow] = []

    def rows(self) -> list[GridRow]:
        """Every row."""
        while self.at < len(self.pieces):
            piece = self.pieces[self.at]
            self.at += 1
            self._one(piece)
        self._end_row()
        return self.found

    def _one(self, piece: str) -> None:
        match piece:
            case "&" if self.depth == 0:
                self._end_cell()
            case "\\\\" if self.depth == 0:
                self._end_row()
            case "{" | "}":
                self.depth = max(0, self.depth + (1 if piece == "{" else -1))
            case "%":
                while self.at < len(self.pieces) and self.pieces[self.at] != "\n":
                    self.at += 1
            case "\n":
                self.line += 1
                self.cell.append(" ")
            case "~" | "$":
                self.cell.append(" " if piece == "~" else "")
            case _:
                self.cell.append(self._text(piece))

    def _text(self, piece: str) -> str:
        """What a command stands for."""
        if not piece.startswith("\\"):
            return piece
        name = piece[1:].rstrip("*")
        if piece == "\\\\":
            return ", "
        if not name[:1].isalpha():
            return {",": " ", ";": " ", ":": " ", " ": " ", "!": "", "-": ""}.get(name, name)
        if name == "multicolumn":
            spanned = self._argument()
            self.extra = min(int(spanned), MAX_COLUMNS) - 1 if spanned.isdecimal() else 0
            self._argument()
            return ""
        if name in {"begin", "end"}:
            self._argument()
            return ""
        if name == "char":
            return self._character()
        if name == "unicodetext":  # how we write what not every engine prints: and its code points
            written = self._argument(_LONGEST_CELL)
            self._argument()
            return written
        for _ in range(_DROPPED.get(name, 0)):
            self._argument()
        if name in _ESCAPED:
            self._argument()
            return _ESCAPED[name]
        return _SIGNS.get(name, "")

    def _character(self) -> str:
        r"""The character of the number after `\char`, and the empty group that may end it."""
        piece = self.pieces[self.at] if self.at < len(self.pieces) else ""
        number = _NUMBER.match(piece)
        if number is None:
            return ""
        self.pieces[self.at] = piece[number.end() :]
        if not self.pieces[self.at]:
            self.at += 1
            if self.pieces[self.at : self.at + 2] == ["{", "}"]:
                self.at += 2
        return chr(int(number[0]))

    def _argument(self, longest: int = 200) -> str:
        """The group in braces, brackets or parentheses that comes next, taken off."""
        rest = self.pieces
        while self.at < len(rest) and rest[self.at].startswith(("[", "(")):
            closing = "]" if rest[self.at][0] == "[" else ")"
            if closing not in rest[self.at]:
                break
            rest[self.at] = rest[self.at].split(closing, 1)[1]
            if not rest[self.at]:
                self.at += 1
        if self.at >= len(rest) or rest[self.at] != "{":
            return ""
        start, depth = self.at + 1, 0
        while self.at < len(rest):
            depth += (rest[self.at] == "{") - (rest[self.at] == "}")
            self.at += 1
            if depth == 0:
                break
        return "".join(rest[start : self.at - 1])[:longest]

    def _end_cell(self) -> None:
        self.cells.append(" ".join("".join(self.cell).split()))
        self.cells += [""] * max(0, self.extra)
        self.cell, self.extra = [], 0
        if len(self.cells) > MAX_COLUMNS + 1:
            raise TableError(f"line {self.line}: more than {MAX_COLUMNS} columns")

    def _end_row(self) -> None:
        self._end_cell()
        if any(self.cells):
            self.found.append(GridRow(self.line, tuple(self.cells)))
        self.cells = []
        if len(self.found) > MAX_ROWS + 1:
            raise TableError(f"the table has more than {MAX_ROWS:,} rows")
        # "\\[2pt]" gives extra room below a row.
        if self.at < len(self.pieces):
            self.pieces[self.at] = re.sub(r"^\s*\[[^\]]{0,20}\]", "", self.pieces[self.at])
