"""A slice of `fuzz.py`, and whether it sees what it is for; the whole takes minutes and is run by hand."""

from __future__ import annotations

from pathlib import Path

import fuzz
import fuzz_subjects
import pytest

from ganimate.errors import GanimateError

# Those whose libraries are loaded anyway, and fast.
SLICE = {"images": 150, "marks": 150, "clips": 80, "labels": 80, "expressions": 300, "timelines": 100, "configs": 100}


@pytest.mark.parametrize("name", SLICE)
@pytest.mark.filterwarnings("error")
def test_damaged_input_gives_a_value_or_a_sentence(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    subject = fuzz_subjects.SUBJECTS[name]
    seeds, path = subject.seeds(), tmp_path / subject.file_name
    capfd.readouterr()
    outcomes = set()
    for index in range(SLICE[name]):
        path.write_bytes(fuzz_subjects.make_input(subject, seeds, 7, index))
        outcomes.add(fuzz.try_input(subject, path))
    assert outcomes == {"accepted", "refused"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", [name for name, subject in fuzz_subjects.SUBJECTS.items() if subject.share])
def test_inputs_follow_from_the_seed(name: str) -> None:
    subject = fuzz_subjects.SUBJECTS[name]
    if name in ("models", "judges", "states", "videos"):
        pytest.skip("slow to make")
    first = [fuzz_subjects.make_input(subject, subject.seeds(), 3, index) for index in range(20)]
    again = [fuzz_subjects.make_input(subject, subject.seeds(), 3, index) for index in range(20)]
    other = [fuzz_subjects.make_input(subject, subject.seeds(), 4, index) for index in range(20)]
    assert first == again != other


def test_every_breach_of_the_law_is_found_and_kept(tmp_path: Path) -> None:
    subject = fuzz_subjects.SUBJECTS["rogue"]
    letters = [fuzz_subjects.make_input(subject, subject.seeds(), 0, index) for index in range(26)]
    kinds = {b"c": "crash", b"h": "hang", b"n": "noise", b"m": "memory", b"e": "error"}
    count = max(letters.index(letter) for letter in kinds) + 1
    limits = fuzz.Limits(seconds=5.0, bytes=100_000_000)  # what "m" takes is more; a slow machine gives it within 5 s
    tally = fuzz.hunt("rogue", count, 0, tmp_path, limits=limits)
    found = [(finding.index, finding.kind) for finding in tally.findings]
    assert found == [(index, kinds[one]) for index, one in enumerate(letters[:count]) if one in kinds]
    assert tally.inputs == count
    assert tally.refused == letters[:count].count(b"r")
    assert len(list(tmp_path.glob("*.input.txt"))) == len(found)
    assert any("ZeroDivisionError" in path.read_text() for path in tmp_path.glob("*-error.txt"))


def test_a_refusal_without_a_word_is_a_bug(tmp_path: Path) -> None:
    def silent(path: Path) -> object:
        raise GanimateError(" ")

    subject = fuzz_subjects.Subject("silent", 1, ".txt", list, silent)
    with pytest.raises(AssertionError):
        fuzz.try_input(subject, tmp_path)
