"""A docx template and a record of plain texts become a docx file; the only place where a template is carried out.

A template can print names, walk through a list, and leave something out; it cannot call, count, look inside a value
or reach anything that is not in the record. What it may say is checked when it is compiled, not only when it is
uploaded, so a template that got around the upload is refused as well (decision 0012).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import segno
from docx.shared import Mm
from docxtpl import DocxTemplate, InlineImage
from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .document_kinds import Code, Context, Kind, Placeholder, Row
from .paper import timeless
from .text import clean

CODE_SIZE = Mm(18)
MOST_LOOPS = 40
# Of a loop, a template may ask these.
LOOP = frozenset({"index", "first", "last", "length"})
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.For,
    nodes.If,
    nodes.CondExpr,
    nodes.Const,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)


class Forbidden(SecurityError):
    """What a template may not say: `code` names why, `data` fills the sentence, `name` is what was written."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code, self.name = code, name


def render(template: bytes, kind: Kind, context: Context) -> bytes:
    """The filled document; the same template and record give the same bytes.

    Raises Forbidden for what a template may not say, jinja2.TemplateError or ValueError for one that is broken.
    """
    made = DocxTemplate(io.BytesIO(template))
    made.render(_values(made, kind, context), environment(kind), autoescape=True)
    out = io.BytesIO()
    made.save(out)
    return timeless(out.getvalue())


def environment(kind: Kind) -> Environment:
    """What carries out the templates of a kind: no filters, no functions, no attributes of values."""
    made = Environment(autoescape=True, undefined=StrictUndefined)
    made.filters, made.tests, made.globals = {}, {}, {}
    made.kind = kind
    return made


class Environment(ImmutableSandboxedEnvironment):
    """The sandbox, which also refuses to compile what `forbidden` finds and never looks up an attribute of a value."""

    kind: Kind

    def from_string(self, source: Any, *args: Any, **more: Any) -> Template:
        """The compiled template. Raises Forbidden."""
        tree = self.parse(source)  # a template is parsed twice: what is checked is what is compiled
        problem = next(forbidden(tree, self.kind), None)
        if problem is not None:
            raise problem
        return super().from_string(source, *args, **more)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A name within a row of a list, or one of the loop's own."""
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(name=attribute)
        if attribute in LOOP and type(obj).__module__ == "jinja2.runtime":
            return getattr(obj, attribute)
        return self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Nothing is looked up by index."""
        return self.undefined(name=str(argument))

    def is_safe_callable(self, obj: Any) -> bool:
        """Nothing is called."""
        return False


def forbidden(tree: nodes.Template, kind: Kind) -> Iterator[Forbidden]:
    """Everything in a parsed template that it may not say, each once, in reading order."""
    loops = sum(1 for _loop in tree.find_all(nodes.For))
    if loops > MOST_LOOPS:
        yield Forbidden("template.too-many-loops")
    yield from _walk(tree, {one.name: one for one in kind.placeholders}, {})


Names = Mapping[str, Placeholder]


def _walk(node: nodes.Node, names: Names, rows: Mapping[str, Names]) -> Iterator[Forbidden]:
    if not isinstance(node, _ALLOWED):
        yield Forbidden("template.not-allowed", type(node).__name__.lower())
    elif isinstance(node, nodes.For):
        yield from _loop(node, names, rows)
    elif isinstance(node, nodes.Getattr):
        yield from _part(node, names, rows)
    elif isinstance(node, nodes.Output):
        for child in node.nodes:
            yield from _printed(child, names, rows)
    elif isinstance(node, nodes.Name):
        if node.ctx != "load" or node.name not in names:
            yield Forbidden("template.unknown-placeholder", node.name)
    else:
        for below in node.iter_child_nodes():
            yield from _walk(below, names, rows)


def _printed(node: nodes.Node, names: Names, rows: Mapping[str, Names]) -> Iterator[Forbidden]:
    """A list is walked through, never printed; neither is a whole row of it."""
    if isinstance(node, nodes.Name) and (node.name in rows or (node.name in names and _is_several(names[node.name]))):
        yield Forbidden("template.list-printed", node.name)
    else:
        yield from _walk(node, names, rows)


def _is_several(one: Placeholder) -> bool:
    return one.is_list or bool(one.parts)


def _loop(node: nodes.For, names: Names, rows: Mapping[str, Names]) -> Iterator[Forbidden]:
    """`{% for row in units %}`: over a list of the kind, not within another loop, under a name of its own."""
    over, target = node.iter, node.target
    if not isinstance(over, nodes.Name) or not isinstance(target, nodes.Name) or node.recursive or node.test or rows:
        yield Forbidden("template.loop", target.name if isinstance(target, nodes.Name) else "")
        return
    found = names.get(over.name)
    if found is None:
        yield Forbidden("template.unknown-placeholder", over.name)
    elif not found.is_list:
        yield Forbidden("template.no-list", over.name)
    elif target.name in names or target.name == "loop":
        yield Forbidden("template.name-taken", target.name)
    else:
        within = {target.name: {one.name: one for one in found.rows}, "loop": dict.fromkeys(LOOP, Placeholder("", ""))}
        for part in (*node.body, *node.else_):
            yield from _walk(part, names, within)


def _part(node: nodes.Getattr, names: Names, rows: Mapping[str, Names]) -> Iterator[Forbidden]:
    owner = node.node.name if isinstance(node.node, nodes.Name) else ""
    if owner in names and any(part.name == node.attr for part in names[owner].parts):
        return
    if owner not in rows:
        yield Forbidden("template.unknown-placeholder", f"{owner}.{node.attr}" if owner else node.attr)
    elif node.attr not in rows[owner]:
        yield Forbidden("template.unknown-placeholder", f"{owner}.{node.attr}")


def _values(made: DocxTemplate, kind: Kind, context: Context) -> dict[str, Any]:
    """The record as the template gets it: clean texts, pictures, lists of plain rows, and every name of the kind."""
    values: dict[str, Any] = {}
    for one in kind.placeholders:
        value = context.get(one.name, "")
        if one.parts:
            held = value if isinstance(value, Mapping) else {}
            values[one.name] = {part.name: _value(made, held.get(part.name, "")) for part in one.parts}
        elif one.is_list:
            rows = () if isinstance(value, str | Code | Mapping) else value
            values[one.name] = [_row(made, one, row) for row in rows]
        else:
            values[one.name] = _value(made, value)
    return values


def _row(made: DocxTemplate, one: Placeholder, row: Row) -> dict[str, Any]:
    return {part.name: _value(made, row.get(part.name, "")) for part in one.rows}


def _value(made: DocxTemplate, value: object) -> Any:
    if isinstance(value, Code):
        return InlineImage(made, io.BytesIO(picture(value)), width=CODE_SIZE) if value.text else ""
    if not isinstance(value, str):
        raise TypeError(f"a record holds texts, not {type(value).__name__}")
    # A line end begins a new paragraph, in the look of the one it stands in.
    return clean(value).strip("\n").replace("\n", "\a")


def picture(code: Code) -> bytes:
    """A QR code as PNG."""
    out = io.BytesIO()
    segno.make(code.text, error="m", micro=False).save(out, kind="png", scale=6, border=2)
    return out.getvalue()


def drawing(code: Code) -> str:
    """A QR code as SVG that stands in a page: no style, no script, nothing loaded."""
    made = segno.make(code.text, error="m", micro=False)
    return made.svg_inline(scale=1, border=2, omitsize=True, svgclass="qr", lineclass=None)
