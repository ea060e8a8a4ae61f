"""XML as workbooks hold it: read as a stream, with the place of each tag in the bytes.

Expat says where in its input an event stands. So a part can be changed by replacing a
few of its bytes, and all others stay as they are. A document type is refused before
anything in it is read: no part of a workbook has one, and entities, which can be bombs
or name other files, are declared nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

MAX_DEPTH = 100
"""Elements within each other; a workbook needs fewer than twenty."""

MAX_TAG = 1024 * 1024
"""Bytes of one tag or comment, which the parser has to hold whole."""

_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://schemas.openxmlformats.org/package/2006/relationships",
)
_RELATIONSHIP_ID = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_PREFIX = re.compile(rb"<([^\s:/>]*:)?")

Start = Callable[[str, "dict[str, str]"], None]
End = Callable[[str], None]
Text = Callable[[str], None]


class XmlError(ValueError):
    """A part is no XML, or not of the kind that belongs into a workbook."""


class Names(dict[str, str]):
    """Expat's names of elements to the short ones; empty for those of other namespaces."""

    def __missing__(self, name: str) -> str:
        """Look at a name for the first time."""
        uri, _, rest = name.partition(" ")
        short = rest.partition(" ")[0] if uri in _MAIN else ""
        if len(self) < 1000:
            self[name] = short
        return short


def new_parser(start: Start, end: End, text: Text | None = None) -> expat.XMLParserType:
    """Make a parser; the names that it hands over are keys of :class:`Names`."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.XmlDeclHandler = _check_declaration
    return parser


def parse(parser: expat.XMLParserType, chunks: Iterable[bytes]) -> Iterator[None]:
    """Feed a parser, and pause after each chunk.

    Raises:
        XmlError: the chunks are not well-formed XML in utf-8, or not meant well.
    """
    fed = 0
    try:
        for chunk in chunks:
            if not fed and (b"\0" in chunk[:4] or chunk[:2] in _UTF16_MARKS):
                raise XmlError("it is in utf-16 or utf-32; only utf-8 can be read")
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - max(parser.CurrentByteIndex, 0) > MAX_TAG:
                raise XmlError(f"a tag is longer than {MAX_TAG} bytes")
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as exc:
        raise XmlError(str(exc)) from exc
    yield


def plain_attributes(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes by their short names; ``r:id`` is a relationship's, others are left out."""
    plain = {}
    for name, value in attributes.items():
        if " " not in name:
            plain[name] = value
        elif name.rpartition(" ")[0] in _RELATIONSHIP_ID or name in _RELATIONSHIP_ID:
            plain["r:id"] = value
    return plain


def tag_at(data: bytes, place: int = 0) -> bytes:
    """The tag that starts at a place.

    Raises:
        XmlError: none does, which a parser would have said.
    """
    match = _TAG.match(data, place)
    if match is None:
        raise XmlError("a tag does not end")
    return match[0]


def prefix_of(tag: bytes) -> bytes:
    """The namespace prefix of a start tag with its colon: ``x:``, or nothing."""
    match = _PREFIX.match(tag)
    return match[1] or b"" if match else b""


def with_attribute(tag: bytes, name: str, value: str) -> bytes:
    """A start tag with an attribute set, and all else in it as it was."""
    spelled = f"{name}={quoteattr(value)}".encode()
    pattern = rb"""(\s)%s\s*=\s*(?:"[^"]*"|'[^']*')""" % re.escape(name.encode())
    changed, found = re.subn(pattern, lambda match: match[1] + spelled, tag, count=1)
    if found:
        return changed
    ending = b"/>" if tag.endswith(b"/>") else b">"
    return tag.removesuffix(ending).rstrip() + b" " + spelled + ending


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of the bytes from ``start`` to ``end``."""

    start: int
    end: int
    new: bytes


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Put replacements, which do not overlap, into a whole part."""
    pieces, done = [], 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += [data[done : edit.start], edit.new]
        done = edit.end
    return b"".join([*pieces, data[done:]])


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a part that is held whole.

    Attributes:
        name: without its namespace.
        depth: 1 for the outermost.
        attributes: see :func:`plain_attributes`.
        tag: the bytes of its start tag.
        start: where the start tag stands.
        inner_end: where its content ends, and the end tag begins if there is one.
        end: where the element ends.
    """

    name: str
    depth: int
    attributes: dict[str, str]
    tag: bytes
    start: int
    inner_end: int
    end: int

    @property
    def inner_start(self) -> int:
        """Where its content starts."""
        return self.start + len(self.tag)

    @property
    def closed(self) -> bool:
        """Whether it is one tag: ``<row/>``."""
        return self.tag.endswith(b"/>")

    def with_attribute(self, name: str, value: str) -> Edit:
        """The edit that sets an attribute."""
        return Edit(self.start, self.inner_start, with_attribute(self.tag, name, value))


def visit(data: bytes, wanted: Sequence[str], found: Callable[[Element], None]) -> None:
    """Hand over the wanted elements of a part that is held whole, as they end.

    Raises:
        XmlError: the part is not well-formed XML in utf-8, or not meant well.
    """
    names = Names()
    open_elements: list[tuple[str, dict[str, str], bytes, int] | None] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) >= MAX_DEPTH:
            raise XmlError(f"more than {MAX_DEPTH} elements stand within each other")
        short = names[name]
        if short not in wanted:
            open_elements.append(None)
            return
        place = parser.CurrentByteIndex
        open_elements.append((short, plain_attributes(attributes), tag_at(data, place), place))

    def end(_name: str) -> None:
        depth = len(open_elements)
        opened = open_elements.pop()
        if opened is None:
            return
        short, attributes, tag, place = opened
        inner_end = parser.CurrentByteIndex
        last = inner_end if tag.endswith(b"/>") else inner_end + len(tag_at(data, inner_end))
        found(Element(short, depth, attributes, tag, place, inner_end, last))

    parser = new_parser(start, end)
    for _ in parse(
        parser, (data[i : i + MAX_TAG // 16] for i in range(0, len(data), MAX_TAG // 16))
    ):
        pass


def elements(data: bytes, wanted: Sequence[str], limit: int = 50_000) -> list[Element]:
    """The wanted elements of a part that is held whole, in the order of their ends.

    Raises:
        XmlError: there are more than ``limit``, or see :func:`visit`.
    """
    found: list[Element] = []

    def keep(element: Element) -> None:
        if len(found) >= limit:
            raise XmlError(f"it has more than {limit} elements {element.name}")
        found.append(element)

    visit(data, wanted, keep)
    return found


def _refuse_doctype(*_: object) -> None:
    raise XmlError("it declares a document type, which may hide entities")


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in {"utf-8", "us-ascii"}:
        raise XmlError(f"it is in {encoding}; only utf-8 can be read")
