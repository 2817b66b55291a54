"""Lines that follow from those above by a rule: what people write there so often that it need not be counted.

Not here: lines that are merely frequent (`delegates.embedded.line_search`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from delegates.python_lexer import line_tokens
from indentation import indentation

_MOST_LINES = 60
"""Lines above that are looked at."""

_INIT = re.compile(r"\s*def __init__\((?:self|cls)\s*,(.*)\)\s*(?:->.*)?:\s*$")
_PARAMETER = re.compile(r"\s*([A-Za-z_]\w*)\s*(?::[^,=]+)?(?:=[^,]*)?$")
_MAIN_GUARD = re.compile(r"if __name__ == (['\"])__main__\1:\s*$")
_ACCUMULATOR = re.compile(
    r"\s*([a-z_]\w*)(?:\s*:[^=]+)?\s*=\s*(?:\[\]|\{\}|set\(\)|0|0\.0|\"\"|''|1|\[0\].*|\[\[.*)\s*$"
)
_DEF = re.compile(r"\s*(?:async\s+)?def\b")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lines without the first one's indentation, and the share of such places where they are what is written."""

    lines: tuple[str, ...]
    probability: float


def patterns(above: Sequence[str], indent: str) -> Iterator[Pattern]:
    """What may be written below the lines `above`, at the indentation `indent`."""
    above = [line for line in above[-_MOST_LINES:] if line.strip()]
    if above:
        yield from _attributes(above, indent)
        yield from _main_call(above)
        yield from _result(above, indent)


def _attributes(above: Sequence[str], indent: str) -> Iterator[Pattern]:
    """`self.x = x` for every parameter of `__init__` that has none yet."""
    start = next((i for i in range(len(above) - 1, -1, -1) if _DEF.match(above[i])), None)
    if start is None or not (header := _INIT.match(above[start])) or len(indentation(above[start])) >= len(indent):
        return
    parameters = [match[1] for part in _split(header[1]) if (match := _PARAMETER.match(part))]
    body = [line.strip() for line in above[start + 1 :]]
    if any(not line.startswith(("self.", "super()")) for line in body):
        return
    missing_names = [name for name in parameters if not any(re.match(rf"self\._?{name}\b", line) for line in body)]
    if missing_names:
        yield Pattern(tuple(f"self.{name} = {name}" for name in missing_names), 0.7)


def _split(parameters: str) -> list[str]:
    """The parameters, divided at commas outside of brackets."""
    parts, depth = [""], 0
    for character in parameters:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _main_call(above: Sequence[str]) -> Iterator[Pattern]:
    """`main()` below the guard of a script that has a function of that name."""
    if _MAIN_GUARD.match(above[-1]) and any(line.startswith("def main(") for line in above):
        yield Pattern(("main()",), 0.8)


def _result(above: Sequence[str], indent: str) -> Iterator[Pattern]:
    """`return x` below the loop that collects `x`, at the level at which `x` was made."""
    if not indent or len(indentation(above[-1])) <= len(indent):
        return
    start = next((i for i in range(len(above) - 1, -1, -1) if _DEF.match(above[i])), None)
    if start is None or len(indentation(above[start])) >= len(indent):
        return
    body = above[start + 1 :]
    loop = next((i for i in range(len(body) - 1, -1, -1) if indentation(body[i]) == indent), 0)
    if not body[loop].lstrip().startswith(("for ", "while ")):
        return
    used = {token for line in body[loop:] for token in line_tokens(line)}
    for line in body[:loop]:
        made = _ACCUMULATOR.match(line)
        if made and indentation(line) == indent and made[1] in used:
            yield Pattern((f"return {made[1]}",), 0.5)
            return
