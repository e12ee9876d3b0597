"""Names and shares as a report writes them."""

from __future__ import annotations

from typing import Any

_LONGEST = 160


def short(name: object, longest: int = _LONGEST) -> str:
    """A name without its middle when it is very long.

    Examples:
        >>> short("abcdefghij", 5)
        'ab…ij'
    """
    text = str(name)
    if len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head]}…{text[len(text) - (longest - head - 1) :]}"


def spoken(name: str) -> str:
    """The name of a setting as people read it.

    Examples:
        >>> spoken("early_stopping.min_delta")
        'early stopping: min delta'
    """
    return name.replace("_", " ").replace(".", ": ")


def percent(share: float, digits: int = 2) -> str:
    """A share in percent.

    Examples:
        >>> percent(0.9167)
        '91.67 %'
    """
    return f"{100 * share:.{digits}f} %"


def interval_text(evaluation: dict[str, Any], before: str = "") -> str:
    """The accuracy's interval of an evaluation; nothing when it has none.

    Examples:
        >>> interval_text({"accuracy_interval": [0.5, 0.75]})
        '50.00 % to 75.00 %'
    """
    low, high = evaluation.get("accuracy_interval") or (None, None)
    if low is None or high is None:
        return ""
    return f"{before}{percent(low)} to {percent(high)}"
