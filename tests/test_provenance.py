"""Marks: what is written is read, others' marks are understood, and hostile metadata does no harm."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganimate.errors import MarkError
from ganimate.facs import parse_expression
from ganimate.media.provenance import (
    COMPOSITE,
    PACKET_LIMIT_BYTES,
    SOURCE_TYPES,
    SYNTHETIC,
    Mark,
    Provenance,
    read_packet,
)

MARK = Mark("default", "62952d" * 10 + "abcd", ("6=1,12=0.8", ""))
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def packet(inside: str = "", attributes: str = "", start: str = "") -> bytes:
    """Return an XMP packet as another tool might write it."""
    return (
        f'{start}<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="{RDF}"><r:Description r:about="" '
        f'xmlns:e="{IPTC}" xmlns:xmp="http://ns.adobe.com/xap/1.0/" {attributes}>{inside}</r:Description></r:RDF>'
        "</x:xmpmeta>"
    ).encode()


def test_a_mark_is_read_as_it_was_written() -> None:
    said = read_packet(MARK.packet())
    assert said == Provenance(COMPOSITE, MARK.tool, MARK)
    assert said.synthetic
    assert said.code == "compositeWithTrainedAlgorithmicMedia"
    assert parse_expression(MARK.aus[0]).terms


@given(st.text(max_size=80), st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
def test_whatever_is_in_a_mark_it_is_wellformed_and_read_back(model: str, digest: str, aus: list[str]) -> None:
    mark = Mark(model, digest, tuple(aus))
    ET.fromstring(mark.packet())
    said = read_packet(mark.packet())
    assert said.synthetic
    if said.mark is not None:  # a model without a name leaves none
        assert said.mark.packet() == mark.packet()
    assert mark.comment.isprintable()


def test_a_mark_fits_into_a_jpeg_segment_however_many_faces_there_are() -> None:
    crowd = Mark("m" * 10_000, "d" * 10_000, ("&" * 1000,) * 1000)
    assert 60_000 < len(crowd.packet()) < 65_500
    assert len(crowd.comment) < 5_000


@pytest.mark.parametrize(
    "made",
    [
        packet(f"<e:DigitalSourceType>{SOURCE_TYPES}trainedAlgorithmicMedia</e:DigitalSourceType>"),
        packet(f'<e:DigitalSourceType r:resource="{SOURCE_TYPES}trainedAlgorithmicMedia"/>'),
        packet(attributes=f'e:DigitalSourceType="{SOURCE_TYPES}trainedAlgorithmicMedia"'),
        packet(f"<e:DigitalSourceType>\n {SOURCE_TYPES}trainedAlgorithmicMedia\n</e:DigitalSourceType>") + b"\0\0  ",
        packet("<e:DigitalSourceType>trainedAlgorithmicMedia</e:DigitalSourceType>"),
    ],
    ids=["text", "resource", "attribute", "padded", "bare code"],
)
def test_marks_of_other_tools_are_understood(made: bytes) -> None:
    said = read_packet(made)
    assert said.synthetic
    assert said.code == "trainedAlgorithmicMedia"
    assert said.mark is None


def test_what_a_camera_says_is_no_mark() -> None:
    said = read_packet(packet(f"<e:DigitalSourceType>{SOURCE_TYPES}digitalCapture</e:DigitalSourceType>"))
    assert said.code == "digitalCapture"
    assert said.code not in SYNTHETIC
    assert not said.synthetic
    assert read_packet(packet("", 'xmp:CreatorTool="Camera 2"')) == Provenance(tool="Camera 2")


def test_what_a_terminal_would_obey_is_left_out() -> None:
    said = read_packet(packet("<xmp:CreatorTool>a\u009b31m\u202eb\u2028c</xmp:CreatorTool>"))
    assert said.tool == "a 31m b c"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_grow(encoding: str) -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = packet("<xmp:CreatorTool>&l11;</xmp:CreatorTool>", start=f'<!DOCTYPE x [<!ENTITY l0 "lol">{lines}]>')
    started = time.process_time()
    with pytest.raises(MarkError, match="document type"):
        read_packet(bomb.decode().encode(encoding))
    assert time.process_time() - started < 1


def test_deep_and_long_metadata_is_told_in_a_sentence() -> None:
    with pytest.raises(MarkError, match="damaged"):
        read_packet(b"<a>" * 300_000)
    assert read_packet(b"<a>" * 200_000 + b"</a>" * 200_000) == Provenance()
    with pytest.raises(MarkError, match="more than"):
        read_packet(b" " * (PACKET_LIMIT_BYTES + 1))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_metadata_is_read_or_told(data: st.DataObject) -> None:
    content = bytearray(MARK.packet())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_packet(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except MarkError as error:
        assert error.message
