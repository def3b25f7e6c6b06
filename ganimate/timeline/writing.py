"""Keyframes written into the text of a timeline; all else that it says stays as somebody wrote it, comments too."""

from __future__ import annotations

import json
from collections.abc import Iterable

import yaml

from ganimate.timeline.contents import EASING, Keyframe
from ganimate.timeline.document import parse_tree, says_something

KEY = "keyframes"


def with_keyframes(text: str, keyframes: Iterable[Keyframe]) -> str:
    """Return the YAML `text` of a timeline, which may be empty, with `keyframes` by their times in place of its own.

    Raises TimelineError where `text` is no table in YAML. It is not asked whether it can be played.
    """
    rows = [keyframe_line(keyframe) for keyframe in sorted(keyframes, key=lambda keyframe: keyframe.time_s)]
    if not text.strip():
        return _block(rows)
    if not says_something(text):
        return f"{text.rstrip()}\n{_block(rows)}"
    parse_tree(text, "timeline")  # raises for what is refused on principle
    top = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(top, yaml.MappingNode)
    if top.flow_style:
        return _in_braces(text, top, f"{KEY}: [{', '.join(rows)}]")
    found = _own(top)
    if found is None:
        return f"{text.rstrip()}\n{_block(rows)}" if rows else text
    key, value = found
    start, end = key.start_mark.index, max(_end(value), key.end_mark.index + 1)
    rest = text[end:]
    line, newline, below = rest.partition("\n")
    if line.lstrip().startswith("#") or not line.strip():  # the last keyframe's own comment goes with it
        rest = below if newline else ""
    return text[:start] + _block(rows) + rest


def keyframe_line(keyframe: Keyframe) -> str:
    """Return a keyframe as a table on one line; what is as usual is left out."""
    parts = [f"time: {keyframe.time_s:.6g}", f"expression: {json.dumps(str(keyframe.expression), ensure_ascii=False)}"]
    if keyframe.easing != EASING:
        parts.append(f"easing: {keyframe.easing}")
    if keyframe.hold_s:
        parts.append(f"hold: {keyframe.hold_s:.6g}")
    return f"{{{', '.join(parts)}}}"


def _block(rows: list[str]) -> str:
    return f"{KEY}:\n" + "".join(f"  - {row}\n" for row in rows) if rows else ""


def _in_braces(text: str, top: yaml.MappingNode, told: str) -> str:
    found = _own(top)
    if found is None:
        start = end = top.start_mark.index + 1
        told += ", " if top.value else ""
    else:
        start, end = found[0].start_mark.index, found[1].end_mark.index
    return text[:start] + told + text[end:]


def _own(top: yaml.MappingNode) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((key, value) for key, value in top.value if key.value == KEY), None)


def _end(node: yaml.Node) -> int:
    """Return where a node ends: of block style PyYAML itself tells where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
