"""Expressions in JMESPath, bounded so that none can hang or fill the memory.

A name means the same as in a path: where more follows, related records (`party.`) come before the bare key.
"""

import threading
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, LexerError, ParseError
from jmespath.visitor import Options, TreeInterpreter

from lineshaft.common.mapping.errors import UNFIT_VALUE, CoercionError
from lineshaft.common.mapping.expression_trees import key_parts_of, prefer_related, read_by
from lineshaft.common.mapping.functions import ExpressionLimitError, MappingFunctions
from lineshaft.common.mapping.plain import to_expression_value

MAX_LENGTH = 2_000
MAX_DEPTH = 40
MAX_NODES = 400
MAX_STEPS = 20_000
"""Nodes visited for one record."""
MAX_CELLS = 200_000
"""Items, keys and characters made for one record, counted as a tree."""
MAX_EFFORT = 100_000
"""Of all expressions of one record: a step counts one, ten items, keys or characters, too."""

Node = Any

_FUNCTIONS = MappingFunctions()
_BUILDS = frozenset(
    {
        "multi_select_list",
        "multi_select_dict",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
        "slice",
        "function_expression",
    }
)


class ExpressionError(ValueError):
    """An expression that cannot be compiled; the message gives the position where there is one."""


class _Spent(threading.local):
    """What the expressions of the record at hand have taken in this thread."""

    effort = 0


_spent = _Spent()


def begin_record() -> None:
    """The expressions that are evaluated from here on belong to another record."""
    _spent.effort = 0


class _Interpreter(TreeInterpreter):
    """One evaluation, which counts its steps and the size of what it makes."""

    def __init__(self) -> None:
        super().__init__(Options(custom_functions=_FUNCTIONS))
        self._steps = 0
        self._cells = 0

    def over(self, tree: Node, seen: Any) -> Any:
        """The value of an expression for what it sees of a record."""
        try:
            _spent.effort += _size_of(seen, MAX_EFFORT * 10, texts=False) // 10
            return self.visit(tree, seen)
        finally:
            _spent.effort += self._steps + self._cells // 10

    def visit(self, node: Node, *args: Any, **kwargs: Any) -> Any:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ExpressionLimitError(f"more than {MAX_STEPS} steps")
        result = super().visit(node, *args, **kwargs)
        if node["type"] in _BUILDS:
            self._count(result)
        return result

    def visit_related_field(self, node: Node, value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        related = value.get(f"{node['value']}.")
        return value.get(node["value"]) if related is None else related

    def _count(self, value: Any) -> None:
        self._cells += _size_of(value, MAX_CELLS - self._cells)
        if self._cells > MAX_CELLS:
            raise ExpressionLimitError(f"a result of more than {MAX_CELLS} parts")


def _size_of(value: Any, enough: int, *, texts: bool = True) -> int:
    """Items, keys and, of `texts`, characters, as far as there are no more than `enough`.

    Counted as a tree: a shared part makes a small object that is huge when compared or written out.
    """
    cells = 0
    stack = [value]
    while stack and cells <= enough:
        item = stack.pop()
        if isinstance(item, str):
            cells += len(item) if texts else 0
        elif isinstance(item, list):
            cells += len(item)
            stack.extend(item)
        elif isinstance(item, dict):
            cells += len(item)
            stack.extend(item.values())
    return cells


@dataclass(frozen=True, slots=True)
class Expression:
    text: str
    tree: Node
    paths: tuple[tuple[str, ...], ...]
    """The source values it reads, as names from the record down."""
    place: tuple[str, ...] | None
    """Where the result lies in the record, if it is taken from there as it is."""
    whole: bool
    """It reads the record as a whole."""
    keys: tuple[str, ...]
    """The keys of the record that it reads, unless it is `whole`."""
    key_parts: tuple[str, ...] = ()
    """Of `source_key(a, b)`: the fields that together name the record it refers to."""

    def evaluate(self, record: dict[str, Any]) -> Any:
        """The value for a record.

        Raises:
            CoercionError: the expression does not fit the record, or goes over a limit.
        """
        if _spent.effort > MAX_EFFORT:
            raise ExpressionLimitError("the expressions of this record take too much together")
        seen = record if self.whole else {key: record[key] for key in self.keys if key in record}
        try:
            return _Interpreter().over(self.tree, to_expression_value(seen))
        except CoercionError:
            raise
        except UNFIT_VALUE as error:
            raise CoercionError(_one_line(error)) from error


def compile_expression(text: str) -> Expression:
    """Raises `ExpressionError` for one that is malformed, too long, too deep or calls an unknown function."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    if sum(text.count(sign) for sign in "([{!&") > MAX_NODES:
        raise ExpressionError(f"more than {MAX_NODES} brackets and signs")
    try:
        tree = _parsed(text)
    except LexerError as error:
        raise ExpressionError(f"{error.message} at position {error.lexer_position} of {text!r}") from error
    except ParseError as error:
        raise ExpressionError(f"{error.msg} at position {error.lex_position} of {text!r}") from error
    except PendingDeprecationWarning as error:
        raise ExpressionError(
            f"a literal in backticks has to be JSON; a text is 'like this': {text!r}"
        ) from error
    except (JMESPathError, RecursionError, ValueError) as error:
        raise ExpressionError(_one_line(error)) from error
    _check(tree)
    reads = read_by(tree)
    keys = tuple(dict.fromkeys(key for path in reads.paths for key in (path[0], f"{path[0]}.")))
    return Expression(
        text, prefer_related(tree), reads.paths, reads.place, reads.whole, keys, key_parts_of(tree)
    )


def _parsed(text: str) -> Node:
    with warnings.catch_warnings():
        # JMESPath lets `word` pass for a text, with this warning: a typing error more often than not.
        warnings.simplefilter("error", PendingDeprecationWarning)
        return jmespath.compile(text).parsed


def _check(tree: Node) -> None:
    count = 0
    level: Sequence[Node] = [tree]
    for _ in range(MAX_DEPTH):
        if not level:
            return
        count += len(level)
        if count > MAX_NODES:
            raise ExpressionError(f"more than {MAX_NODES} parts")
        for node in level:
            if node["type"] == "function_expression" and node["value"] not in _FUNCTIONS.FUNCTION_TABLE:
                known = ", ".join(sorted(_FUNCTIONS.FUNCTION_TABLE))
                raise ExpressionError(f"there is no function {node['value']!r}; there are {known}")
        level = [child for node in level for child in _children(node)]
    raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels")


def _children(node: Node) -> Iterable[Node]:
    return (child for child in node.get("children", ()) if isinstance(child, dict))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
