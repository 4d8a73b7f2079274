"""The forms a value may have in a request: text, number, flag, group of fields, list with its quantity.

Rule 1: one description of a form reads it, fills in what was left out, and writes it again. Rule 2: what a form does
not name is refused, never ignored. Rule 3: values are plain ``str``, ``int``, ``bool``, ``list`` and ``dict``; a list
with its quantity is a dict whose "Items" is the list, and the quantity is counted anew when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from heliograph.lab.cloudfront.markup import Element, element, text
from heliograph.lab.cloudfront.refusals import Refusal

Fields = dict[str, Any]

_WHOLE = re.compile(r"-?[0-9]{1,12}")


class Shape(Protocol):
    """A form of value."""

    def read(self, node: Element) -> Any:  # noqa: ANN401 - see rule 3
        """The value an element holds.

        Raises:
            Refusal: it has another form.
        """
        ...

    def write(self, name: str, value: Any) -> str:  # noqa: ANN401 - see rule 3
        """The value as an element."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Characters: at most ``most``, of ``choices`` if there are any."""

    choices: Collection[str] = ()
    most: int = 2_048

    def read(self, node: Element) -> str:
        """See ``Shape``."""
        _no_children(node)
        if self.choices and node.text not in self.choices:
            raise Refusal("MalformedXML", f"{node.name} is none of {', '.join(self.choices)}")
        if len(node.text) > self.most:
            raise Refusal("InvalidArgument", f"{node.name} is longer than {self.most:,} characters")
        return node.text

    def write(self, name: str, value: str) -> str:
        """See ``Shape``."""
        return text(name, value)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; ``code`` is what one outside of ``low`` to ``high`` is refused with."""

    low: int = 0
    high: int = 2**31 - 1
    code: str = "InvalidArgument"

    def read(self, node: Element) -> int:
        """See ``Shape``."""
        _no_children(node)
        if not _WHOLE.fullmatch(node.text.strip()):
            raise Refusal("MalformedXML", f"{node.name} is no whole number")
        value = int(node.text)
        if not self.low <= value <= self.high:
            raise Refusal(self.code, f"{node.name} is not between {self.low:,} and {self.high:,}")
        return value

    def write(self, name: str, value: int) -> str:
        """See ``Shape``."""
        return text(name, value)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, node: Element) -> bool:
        """See ``Shape``."""
        _no_children(node)
        if node.text.strip() not in ("true", "false"):
            raise Refusal("MalformedXML", f"{node.name} is neither true nor false")
        return node.text.strip() == "true"

    def write(self, name: str, value: bool) -> str:
        """See ``Shape``."""
        return text(name, "true" if value else "false")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a group. What is left out becomes ``default``; None leaves it out of the answer, too."""

    shape: Shape
    needed: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Struct:
    """A group of named fields, in any order, each at most once."""

    fields: Mapping[str, Field]

    def read(self, node: Element) -> Fields:
        """See ``Shape``."""
        return self.filled(node, _by_name(node))

    def filled(self, node: Element, given: Mapping[str, Element]) -> Fields:
        """The fields from the elements ``given``."""
        if stray := sorted(set(given) - set(self.fields)):
            raise Refusal("MalformedXML", f"{node.name} has no {stray[0][:40]} here")
        found: Fields = {}
        for name, one in self.fields.items():
            if name in given:
                found[name] = one.shape.read(given[name])
            elif one.needed:
                raise Refusal("MalformedXML", f"{node.name} lacks {name}")
            elif one.default is not None:
                found[name] = _fresh(one.default)
        return found

    def write(self, name: str, value: Fields) -> str:
        """See ``Shape``."""
        inside = (one.shape.write(key, value[key]) for key, one in self.fields.items() if key in value)
        return element(name, *inside)


@dataclass(frozen=True, slots=True)
class Group:
    """A list with its quantity: elements called ``tag``, and ``also`` the fields that stand beside them."""

    tag: str
    of: Shape
    most: int = 100
    least: int = 0
    code: str = "InvalidArgument"  # what too many are refused with
    also: Mapping[str, Field] = field(default_factory=dict)

    def read(self, node: Element) -> Fields:
        """See ``Shape``."""
        given = _by_name(node)
        if "Quantity" not in given:
            raise Refusal("MalformedXML", f"{node.name} lacks Quantity")
        quantity = Whole().read(given.pop("Quantity"))
        listed = given.pop("Items", None)
        elements = listed.children if listed is not None else []
        if len(elements) != quantity:
            raise Refusal("InconsistentQuantities", f"{node.name}: Quantity {quantity}, but {len(elements)} Items")
        if stray := [one.name for one in elements if one.name != self.tag]:
            raise Refusal("MalformedXML", f"{node.name} has items called {stray[0][:40]}")
        if not self.least <= quantity <= self.most:
            raise Refusal(self.code, f"{node.name} has not {self.least} to {self.most:,} items")
        beside = Struct(self.also).filled(node, given)
        return {"Items": [self.of.read(one) for one in elements], **beside}

    def write(self, name: str, value: Fields) -> str:
        """See ``Shape``."""
        items = [self.of.write(self.tag, item) for item in value["Items"]]
        beside = (one.shape.write(key, value[key]) for key, one in self.also.items() if key in value)
        return element(name, text("Quantity", len(items)), *([element("Items", *items)] if items else []), *beside)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list without a quantity, as tags have it."""

    tag: str
    of: Shape
    most: int = 50

    def read(self, node: Element) -> list[Any]:
        """See ``Shape``."""
        if node.text.strip() or any(child.name != self.tag for child in node.children):
            raise Refusal("MalformedXML", f"{node.name} holds something beside {self.tag}")
        if len(node.children) > self.most:
            raise Refusal("InvalidTagging", f"{node.name} has more than {self.most} items")
        return [self.of.read(child) for child in node.children]

    def write(self, name: str, value: list[Any]) -> str:
        """See ``Shape``."""
        return element(name, *(self.of.write(self.tag, one) for one in value))


def _by_name(node: Element) -> dict[str, Element]:
    if node.text.strip():
        raise Refusal("MalformedXML", f"{node.name} holds text beside its elements")
    given = {child.name: child for child in node.children}
    if len(given) != len(node.children):
        raise Refusal("MalformedXML", f"{node.name} names an element twice")
    return given


def _no_children(node: Element) -> None:
    if node.children:
        raise Refusal("MalformedXML", f"{node.name} holds elements, not a value")


def _fresh(value: Any) -> Any:  # noqa: ANN401 - see rule 3
    """A copy, so that nobody changes a default."""
    if isinstance(value, dict):
        return {key: _fresh(one) for key, one in value.items()}
    return [_fresh(one) for one in value] if isinstance(value, list) else value
