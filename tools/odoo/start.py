"""Odoo 11 of 2018 on a Python of today: what it expects of the standard library is put back first."""  # noqa: INP001  a script of another environment

import base64
import collections
import collections.abc
import dis
import inspect
import sys
from typing import Any

import yaml

for _name in collections.abc.__all__:
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))

ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")  # noqa: PYI024  as it was


def getargspec(function: Any) -> ArgSpec:
    found = inspect.getfullargspec(function)
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)


def formatargspec(
    args: Any, varargs: Any = None, keywords: Any = None, defaults: Any = None, **formats: Any
) -> str:
    shown = formats.get("formatvalue", lambda value: f"={value!r}")
    plain = len(args) - len(defaults or ())
    parts = [
        name if index < plain else name + shown(defaults[index - plain]) for index, name in enumerate(args)
    ]
    parts += [f"*{varargs}"] if varargs else []
    parts += [f"**{keywords}"] if keywords else []
    return f"({', '.join(parts)})"


inspect.getargspec = getargspec  # type: ignore[attr-defined]
inspect.formatargspec = formatargspec  # type: ignore[attr-defined]
base64.encodestring = base64.encodebytes  # type: ignore[attr-defined]
base64.decodestring = base64.decodebytes  # type: ignore[attr-defined]
_load = yaml.load
yaml.load = lambda stream, Loader=yaml.Loader: _load(stream, Loader)  # noqa: N803  our own files

import odoo  # noqa: E402  it needs all of the above
import odoo.tools.safe_eval  # noqa: E402

_evaluator = sys.modules["odoo.tools.safe_eval"]
for _name in dir(_evaluator):
    if _name.endswith("_OPCODES"):
        # the byte code of today is not on its list of what is harmless
        getattr(_evaluator, _name).update(dis.opmap.values())

odoo.cli.main()
