"""Names and shares as a report writes them."""

from __future__ import annotations

_LONGEST = 160


def short(name: object, longest: int = _LONGEST) -> str:
    """A name without its middle when it is very long.

    Example:
        >>> short("abcdefghij", 5)
        'ab…ij'
    """
    text = str(name)
    if len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head]}…{text[len(text) - (longest - head - 1) :]}"


def percent(share: float, digits: int = 2) -> str:
    """A share in percent.

    Example:
        >>> percent(0.9167)
        '91.67 %'
    """
    return f"{100 * share:.{digits}f} %"
