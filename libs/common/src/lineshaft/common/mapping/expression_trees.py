"""What an expression's syntax tree tells before any record is seen."""

from dataclasses import dataclass
from typing import Any

Node = Any
Names = tuple[str, ...]

ROOT: Names = ()

_CHAINS = frozenset({"subexpression", "index_expression"})
"""Each child takes a part of the one before."""
_PROJECTIONS = frozenset({"projection", "filter_projection", "value_projection", "flatten"})
"""The first child gives what the others are applied to."""


@dataclass(frozen=True, slots=True)
class Reads:
    paths: tuple[Names, ...]
    """The places that are read, in the order of their first use."""
    place: Names | None
    """The place of the result, or null if it is made up."""
    whole: bool
    """The record is read as a whole."""


def read_by(tree: Node) -> Reads:
    walk = _Walk()
    place = walk.visit(tree, ROOT, used=True)
    return Reads(tuple(walk.paths), place, walk.whole)


def prefer_related(tree: Node) -> Node:
    """The tree with every name of which more follows marked, so that related records come first there."""
    if not isinstance(tree, dict):
        return tree
    children = [prefer_related(child) for child in tree.get("children", ())]
    if tree["type"] in _PROJECTIONS:
        children[0] = _marked(children[0])
    if tree["type"] in _CHAINS:
        children[:-1] = map(_marked, children[:-1])
    return {**tree, "children": children}


def key_parts_of(tree: Node) -> Names:
    """The fields that `source_key` is called with, where that is all the expression does."""
    if tree["type"] != "function_expression" or tree["value"] != "source_key":
        return ()
    parts = tree["children"]
    return tuple(str(part["value"]) for part in parts) if all(one["type"] == "field" for one in parts) else ()


def _marked(node: Node) -> Node:
    if node["type"] == "field":
        return {**node, "type": "related_field"}
    if node["type"] in _CHAINS:
        *before, last = node["children"]
        return {**node, "children": [*before, _marked(last)]}
    return node


class _Walk:
    """Carries the path of the current value down the tree; null where it is no single place any more."""

    def __init__(self) -> None:
        self.paths: dict[Names, None] = {}
        self.whole = False

    def visit(self, node: Node, here: Names | None, *, used: bool) -> Names | None:
        """The place of this node's value. `used` is false where only a part of the value is read."""
        match node["type"]:
            case "field":
                there = None if here is None else (*here, str(node["value"]).removesuffix("."))
                return self._use(there, used=used)
            case "current" | "identity" | "index" | "slice":
                return self._use(here, used=used)
            case "flatten":
                return self.visit(node["children"][0], here, used=used)
            case "subexpression" | "index_expression" | "pipe":
                return self._chain(node["children"], here, used=used)
            case "projection" | "filter_projection":
                return self._project(node["children"], here, used=used)
            case _:
                self._parts(node, here)
                return None

    def _chain(self, children: list[Node], here: Names | None, *, used: bool) -> Names | None:
        *before, last = children
        for child in before:
            here = self.visit(child, here, used=False)
        return self.visit(last, here, used=used)

    def _project(self, children: list[Node], here: Names | None, *, used: bool) -> Names | None:
        left, right, *condition = children
        base = self.visit(left, here, used=False)
        self._each(condition, base)
        return self.visit(right, base, used=used)

    def _parts(self, node: Node, here: Names | None) -> None:
        match node["type"]:
            case "value_projection":
                left, right = node["children"]
                self._each([left], here)
                self._each([right], None)
            case "function_expression":
                self._function(node, here)
            case "literal":
                pass
            case _:
                self._each(node["children"], here)

    def _each(self, nodes: list[Node], here: Names | None) -> None:
        for node in nodes:
            self.visit(node, here, used=True)

    def _function(self, node: Node, here: Names | None) -> None:
        arguments = [child for child in node["children"] if child["type"] != "expref"]
        places = [self.visit(child, here, used=True) for child in arguments]
        within = next((place for place in places if place is not None), None)
        for child in node["children"]:
            if child["type"] == "expref":
                self.visit(child["children"][0], within, used=True)

    def _use(self, place: Names | None, *, used: bool) -> Names | None:
        if used and place == ROOT:
            self.whole = True
        elif used and place is not None:
            self.paths.setdefault(place)
        return place
