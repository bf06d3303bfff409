"""A value map read backwards."""

from collections.abc import Mapping
from typing import Any

from lineshaft.common.mapping.definition import OTHER_CODES

_SAME_CODE: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


def code_for(value: Any, codes: Mapping[str, Any], field: str | None) -> Any:
    """The one code of a unified value; `field` is the enumeration whose code can be given instead.

    The codes `true` and `false`, and `1` and `0` beside them, are written as booleans.

    Raises:
        ValueError: no code, or more than one, has the value.
    """
    hint = f"; send {field}_source with the code" if field else ""
    found = [code for code, mapped in codes.items() if mapped == value and code != OTHER_CODES]
    if not found:
        raise ValueError(f"no code of the source means {value!r}{hint}")
    booleans = {_SAME_CODE.get(code) for code in found}
    if {"true", "false"}.intersection(found) and len(booleans) == 1 and None not in booleans:
        return booleans.pop()
    if len(found) > 1:
        listed = ", ".join(sorted(found))
        raise ValueError(f"the codes {listed} all mean {value!r}{hint}")
    return found[0]
