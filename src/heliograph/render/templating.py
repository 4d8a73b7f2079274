"""Jinja templates of this package, compiled once per process when the first page asks for them."""

from __future__ import annotations

import functools
import importlib.resources
import re
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_LINE_BREAK = re.compile(r"[ \t]*\n[ \t]*")


def markup(written: str) -> Markup:
    """HTML that this package has written, with all that comes from outside already escaped."""
    return Markup(written)  # noqa: S704 - the one place where text becomes markup


def template(name: str) -> Template:
    """The template ``name`` of the folder ``templates``; its values are escaped unless they are ``Markup``."""
    return _environment().get_template(name)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(loader=FunctionLoader(_source), autoescape=True, undefined=StrictUndefined, auto_reload=False)


def _source(name: str) -> str:
    """The text of a template without comments, line breaks and indentation: they would travel with every page."""
    text = importlib.resources.files("heliograph.render").joinpath("templates", name).read_text("utf-8")
    return _LINE_BREAK.sub("", _COMMENT.sub("", text).strip())
