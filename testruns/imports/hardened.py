"""Reading XML of strangers: one pass, no tree, no declarations, no entities, no references, and limits on everything.

Stands on defusedxml. The whole file is handed to the parser at once: in pieces, one endless attribute would be looked
at again from its beginning with every piece.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final
from xml.parsers import expat
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.expatreader import DefusedExpatParser

from ledger import gettext_noop
from testruns.imports.limits import (
    ATTRIBUTE_CHARACTERS_MAX,
    ATTRIBUTES_MAX,
    DEPTH_MAX,
    ELEMENTS_MAX,
    FILE_BYTES_MAX,
)
from testruns.imports.refusals import (
    BeyondLimit,
    Declares,
    FileEmpty,
    FileTooLarge,
    Malformed,
    NotUtf8,
    NotXml,
    UnknownEncoding,
    WrongRoot,
)

_DOCTYPE: Final = gettext_noop("a document type (DTD)")
_ENTITY: Final = gettext_noop("an entity or a reference outside")
_TOO_DEEP: Final = gettext_noop("elements within elements")
_TOO_MANY_ELEMENTS: Final = gettext_noop("elements")
_TOO_MANY_ATTRIBUTES: Final = gettext_noop("attributes of one element")
_TOO_LONG: Final = gettext_noop("characters in one attribute")

_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_VISIBLE: Final = re.compile(rb"\S")
_DECLARED: Final = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([^"']{0,40})["']""")
_NATIVE: Final = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "utf-16"})
"""What the parser reads by itself, without asking Python for a codec."""


class Reader(ContentHandler):
    """Sees every element of a file once, in order. A format is a subclass with `begin` and `finish`.

    path: names from the root to where we are. `roots` are the elements a file of this format begins with.
    """

    roots: ClassVar[tuple[str, ...]]

    def __init__(self, *, file: str) -> None:
        """`file` is the name that refusals say."""
        super().__init__()
        self.file = file
        self.path: list[str] = []
        self._element_count = 0

    @property
    def line(self) -> int:
        """Where the parser is."""
        return int(self._locator.getLineNumber() or 1)  # type: ignore[attr-defined]  # set by the parser

    @property
    def parent(self) -> str:
        """The element around; empty at the root."""
        return self.path[-1] if self.path else ""

    def begin(self, name: str, attributes: AttributesImpl[str]) -> None:
        """An element begins; `path` does not yet have it."""

    def finish(self, name: str) -> None:
        """An element has ended; `path` no longer has it."""

    def accepts_document_type(self, *, name: str, system_id: str | None, has_content: bool) -> bool:
        """Whether a document type is one this format's writers put there by habit. It is never followed."""
        return False

    def startElement(self, name: str, attrs: AttributesImpl[str]) -> None:  # noqa: N802 - the parser's name
        """Hold the limits, then tell the format."""
        if not self.path and name not in self.roots:
            known = " ".join(f"<{root}>" for root in self.roots)
            raise WrongRoot(field=self.file, found=name[:40], known=known)
        self._element_count += 1
        self.require(self._element_count, _TOO_MANY_ELEMENTS, ELEMENTS_MAX)
        self.require(len(self.path) + 1, _TOO_DEEP, DEPTH_MAX)
        if len(attrs):
            self.require(len(attrs), _TOO_MANY_ATTRIBUTES, ATTRIBUTES_MAX)
            self.require(max(map(len, attrs.values())), _TOO_LONG, ATTRIBUTE_CHARACTERS_MAX)
        self.begin(name, attrs)
        self.path.append(name)

    def endElement(self, name: str) -> None:  # noqa: N802
        """Tell the format."""
        self.path.pop()
        self.finish(name)

    def skippedEntity(self, name: str) -> None:  # noqa: N802
        """Refuse: what it would stand for is unknown."""
        raise Declares(field=self.file, reason=_ENTITY, line=self.line)

    def require(self, count: int, what: str, high: int) -> None:
        """Refuse a file that has more than `high` of something."""
        if count > high:
            raise BeyondLimit(field=self.file, reason=what, high=high, line=self.line)


class _Parser(DefusedExpatParser):
    """Refuses every document type but the bare one a format's writers put there by habit."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(forbid_dtd=True, forbid_entities=True, forbid_external=True)
        self._reader = reader
        self.setContentHandler(reader)
        reader.setDocumentLocator(self)

    def reset(self) -> None:
        super().reset()
        never = expat.XML_PARAM_ENTITY_PARSING_NEVER  # not even of the bare document type
        self._parser.SetParamEntityParsing(never)  # type: ignore[attr-defined]  # of the class in the library

    def defused_start_doctype_decl(
        self, name: str, sysid: str | None, pubid: str | None, has_internal_subset: int
    ) -> None:
        has_content = bool(has_internal_subset)
        if not self._reader.accepts_document_type(name=name, system_id=sysid, has_content=has_content):
            raise DTDForbidden(name, sysid, pubid)


def read_file(content: bytes, *, reader: Reader) -> None:
    """Let `reader` see the file. Raises the subclass of UnusableFile that says what is wrong with it, and where."""
    _require_text(content, file=reader.file)
    parser = _Parser(reader)
    try:
        parser.feed(content)
        parser.close()
    except DTDForbidden as refusal:
        raise Declares(field=reader.file, reason=_DOCTYPE, line=parser.getLineNumber() or 1) from refusal
    except DefusedXmlException as refusal:
        raise Declares(field=reader.file, reason=_ENTITY, line=parser.getLineNumber() or 1) from refusal
    except SAXParseException as error:
        line, column = error.getLineNumber() or 1, error.getColumnNumber() or 0
        raise Malformed(field=reader.file, line=line, column=column, reason=error.getMessage()) from error
    except (LookupError, ValueError) as error:  # a declared encoding that Python has no table for
        raise UnknownEncoding(field=reader.file, encoding="?") from error


def _require_text(content: bytes, *, file: str) -> None:
    """What can be said without parsing: size, first byte, encoding."""
    if len(content) > FILE_BYTES_MAX:
        raise FileTooLarge(field=file, high=FILE_BYTES_MAX)
    first = _VISIBLE.search(content, len(_UTF8_MARK) if content.startswith(_UTF8_MARK) else 0)
    if first is None:
        raise FileEmpty(field=file)
    is_utf16 = content.startswith(_UTF16_MARKS)
    if not is_utf16 and first[0] != b"<":
        raise NotXml(field=file, byte=f"0x{first[0].hex()}")
    declared = _DECLARED.match(content, first.start())
    encoding = declared[1].decode("ascii", "replace").lower() if declared else "utf-8"
    if encoding not in _NATIVE:
        raise UnknownEncoding(field=file, encoding=encoding)
    if encoding == "utf-8" and not is_utf16:
        _require_utf8(content, file=file)


def _require_utf8(content: bytes, *, file: str) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotUtf8(field=file, line=line, offset=error.start) from error
