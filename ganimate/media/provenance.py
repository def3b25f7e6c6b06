"""The mark of synthetic pictures: what it says, as an XMP packet, and what the packets of any tool say.

The mark is IPTC's Digital Source Type, which photo libraries and `exiftool` read, with IPTC's fields for AI systems
(Photo Metadata Standard 2025.1) and a few of our own. It holds no time, no path and nobody's name.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.sax.saxutils import escape

from ganimate import __version__
from ganimate.errors import MarkError

TOOL = "ganimate"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
COMPOSITE = SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
# Codes of IPTC's vocabulary by which a picture is not, or not only, what a camera saw; in its own words.
SYNTHETIC: Mapping[str, str] = MappingProxyType(
    {
        "trainedAlgorithmicMedia": "made by a trained model",
        "compositeWithTrainedAlgorithmicMedia": "a photo edited by a trained model",
        "algorithmicMedia": "made by an algorithm",
        "compositeSynthetic": "a composite that has synthetic parts",
        "algorithmicallyEnhanced": "changed by an algorithm",
    }
)
PACKET_LIMIT_BYTES = 2_000_000  # larger ones hold thumbnails and histories; an XML tree takes fifty times its text

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
# A name and no address: the project has no domain, and .invalid (RFC 2606) will never be anybody else's.
_OWN = "https://ganimate.invalid/ns/1.0/"
_LONGEST_TEXT = 500
_MOST_FACES = 24  # a JPEG segment holds 65 kB, be all letters ampersands
_PACKET = """<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">
<rdf:Description rdf:about="" xmlns:xmp="{xmp}" xmlns:Iptc4xmpExt="{iptc}" xmlns:ganimate="{own}">
{properties}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True)
class Mark:
    """What a result of ganimate says of itself: the model's name and SHA-256, and what each face was asked for.

    `aus` has an expression a face, such as ``6=1,12=0.8``: the AUs that were moved, each at its furthest, or from its
    least to its most (``12=0.25..0.75``). What a face shows in several rows of a sheet is separated by semicolons.
    """

    model: str
    digest: str | None = None
    aus: tuple[str, ...] = ()
    version: str = __version__

    @property
    def tool(self) -> str:
        """Tool and version, as in ``ganimate 1.0``."""
        return f"{TOOL} {_clean(self.version)}"

    @property
    def comment(self) -> str:
        """The mark as one sentence, for players that show a comment."""
        asked = "; ".join(_clean(text) for text in self.aus[:_MOST_FACES] if text)
        return f"Synthetic: a photo animated with {self.tool}, model {_clean(self.model)}" + (
            f", AUs {asked}"[:2000] if asked else ""
        )

    def packet(self) -> bytes:
        """Return the mark as an XMP packet in UTF-8."""
        aus = [_clean(text) for text in self.aus[:_MOST_FACES]]
        properties = {
            "Iptc4xmpExt:DigitalSourceType": COMPOSITE,
            "xmp:CreatorTool": self.tool,
            "Iptc4xmpExt:AISystemUsed": f"{TOOL}, model {_clean(self.model)}",
            "Iptc4xmpExt:AISystemVersionUsed": _clean(self.version),
            "Iptc4xmpExt:AIPromptInformation": _clean("; ".join(f"AUs {text}" for text in aus if text)),
            "ganimate:ModelName": _clean(self.model),
            "ganimate:ModelSHA256": _clean(self.digest or ""),
        }
        lines = [f"<{name}>{escape(text)}</{name}>" for name, text in properties.items() if text]
        items = "".join(f"<rdf:li>{escape(text)}</rdf:li>" for text in aus)
        lines += [f"<ganimate:AUs><rdf:Seq>{items}</rdf:Seq></ganimate:AUs>"] if aus else []
        filled = _PACKET.format(rdf=_RDF, xmp=_XMP, iptc=_IPTC, own=_OWN, properties="\n".join(lines))
        return filled.encode()


@dataclass(frozen=True)
class Provenance:
    """What a file says of where it comes from: IPTC's source type and the tool, and our own mark if it has one."""

    source_type: str | None = None
    tool: str | None = None
    mark: Mark | None = None

    @property
    def code(self) -> str | None:
        """The source type without the address of IPTC's vocabulary."""
        if self.source_type is None:
            return None
        return self.source_type.rstrip("/").rpartition("/")[2]

    @property
    def synthetic(self) -> bool:
        """If the source type says that the picture is not, or not only, what a camera saw."""
        return self.code in SYNTHETIC


def read_packet(packet: bytes) -> Provenance:
    """Return what an XMP packet says; raises MarkError where it is no XMP or would harm its reader."""
    if len(packet) > PACKET_LIMIT_BYTES:
        raise MarkError(f"the XMP metadata has {len(packet)} bytes, more than {PACKET_LIMIT_BYTES}")
    try:
        # No document type, and so no entities: a few lines of them can stand for gigabytes.
        root = ET.fromstring(packet.strip(b"\0 \r\n\t"), ET.XMLParser(target=_PlainTree()))
    except (ET.ParseError, ValueError, LookupError) as error:
        raise MarkError("the XMP metadata is damaged") from error
    described = list(root.iter(f"{{{_RDF}}}Description"))
    tool, source_type = _first(described, _XMP, "CreatorTool"), _first(described, _IPTC, "DigitalSourceType")
    return Provenance(source_type, tool, _mark(described, tool))


class _PlainTree(ET.TreeBuilder):
    def doctype(self, name: str, public_id: str | None, system: str | None) -> None:
        raise MarkError("the XMP metadata has a document type, which XMP does not allow")


def _mark(described: Iterable[ET.Element], tool: str | None) -> Mark | None:
    described = list(described)
    model = _first(described, _OWN, "ModelName")
    if model is None:
        return None
    version = tool.removeprefix(TOOL).strip() if tool is not None and tool.startswith(TOOL) else ""
    aus = tuple(_values(described, _OWN, "AUs")[:_MOST_FACES])
    return Mark(model, _first(described, _OWN, "ModelSHA256"), aus, version or "of unknown version")


def _first(described: Iterable[ET.Element], namespace: str, name: str) -> str | None:
    return next((value for value in _values(described, namespace, name) if value), None)


def _values(described: Iterable[ET.Element], namespace: str, name: str) -> list[str]:
    """Return a property's values, however it is written: as an attribute, a text, a resource or a list."""
    found: list[str] = []
    for element in described:
        found += [value for key, value in element.attrib.items() if key == f"{{{namespace}}}{name}"]
        for child in element.findall(f"{{{namespace}}}{name}"):
            items = child.findall(f"*/{{{_RDF}}}li")
            texts = [item.text or "" for item in items] or [child.get(f"{{{_RDF}}}resource") or child.text or ""]
            found += texts
    return [_clean(value) for value in found]


def _clean(text: str) -> str:
    """Return `text` on one line, without what neither XML nor a terminal takes, and not endless."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * _LONGEST_TEXT])
    return " ".join(printable.split())[:_LONGEST_TEXT]
