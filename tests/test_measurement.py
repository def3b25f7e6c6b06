"""Laws of measuring: who does nothing scores nothing, who answers linearly is read so, what does not fit is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from patches import AUS, OWN, Idler, Painter, Shifter, make_judge, make_model
from torch import Tensor

from ganimate.config import EvaluationConfig
from ganimate.data.pack import Pack, open_pack
from ganimate.errors import ModelError, PackError
from ganimate.evaluation.held_out_people import choose_held_out_people
from ganimate.evaluation.judge_worth import JudgeWorth
from ganimate.evaluation.measurement import ModelMeasurement, measure_model
from ganimate.evaluation.protocol import EvaluationProtocol, common_aus, study_judge
from ganimate.face.detect import GridEmbedder
from ganimate.face.likeness import mean_change
from ganimate.networks import Edit, GeneratorNetwork

Result = TypeVar("Result")
MIXTURE = np.array([[0.6, 0.1, 0.0], [-0.2, 0.8, 0.1], [0.05, 0.0, 0.4]])  # (N read, N shown)
SURE = JudgeWorth(AUS, *([np.full(3, 0.9)] * 5), n_codes=9, n_labels=9)
CPU = torch.device("cpu")


def outcome(work: Generator[None, None, Result]) -> tuple[int, Result]:
    """Return how often `work` yields, and what it returns."""
    for count in range(10_000):
        try:
            next(work)
        except StopIteration as end:
            return count, end.value
    raise AssertionError("it does not end")


@pytest.fixture(scope="module")
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


def make_protocol(pack: Pack, mixture: np.ndarray = MIXTURE) -> EvaluationProtocol:
    held_out = choose_held_out_people(pack, EvaluationConfig(people=4, pairs=5, crowd=6))
    return EvaluationProtocol(pack, held_out, make_judge(mixture), AUS, GridEmbedder())


def examined(pack: Pack, generator: GeneratorNetwork, mixture: np.ndarray = MIXTURE) -> ModelMeasurement:
    protocol = make_protocol(pack, mixture)
    count, report = outcome(measure_model(protocol, make_model(generator), "fake", SURE))
    assert count == protocol.photos
    return report


def value(report: ModelMeasurement, key: str) -> float:
    found = report.find(key)
    assert found is not None, key
    return found.value


@pytest.fixture(scope="module")
def idle(pack: Pack) -> ModelMeasurement:
    return examined(pack, Idler())


@pytest.fixture(scope="module")
def painted(pack: Pack) -> ModelMeasurement:
    return examined(pack, Painter())


def test_doing_nothing_scores_nothing(idle: ModelMeasurement) -> None:
    assert (idle.matrix == 0).all()
    for key in ("response_mean", "crosstalk_mean", "monotone_share_mean", "untouched_change", "outside_change"):
        assert value(idle, key) == 0
    assert value(idle, "identity_distance_mean") == value(idle, "painted_share") == 0
    for key in ("pair_l1_ratio", "pair_dssim_ratio", "sharpness_moved", "attention_mean", "identity_share_same"):
        assert value(idle, key) == 1
    assert value(idle, "frechet_judge_features") == pytest.approx(0, abs=1e-6)


def test_a_linear_answer_is_read_as_it_is(painted: ModelMeasurement) -> None:
    np.testing.assert_allclose(painted.matrix, MIXTURE.T, atol=0.02)
    assert value(painted, "response_lowest") == pytest.approx(0.4, abs=0.02)
    assert value(painted, "monotone_share_lowest") == 1
    assert painted.find("crosstalk", 1).value == pytest.approx((0.2 + 0.05) / 2, abs=0.02)  # type: ignore[union-attr]
    assert value(painted, "crosstalk_mean") == pytest.approx(np.mean([0.125, 0.05, 0.05]), abs=0.02)


def test_paint_is_seen_for_what_it_is(painted: ModelMeasurement) -> None:
    assert value(painted, "painted_share") == pytest.approx(3 * 64 / 32**2, abs=0.01)
    assert value(painted, "untouched_change") > 1  # it paints whatever is asked
    assert value(painted, "identity_distance_mean") > 0
    assert value(painted, "frechet_judge_features") > 0


def test_whole_pixels_move_without_loss(pack: Pack) -> None:
    assert value(examined(pack, Shifter(2)), "sharpness_moved") == pytest.approx(1, abs=0.06)


def test_the_same_exam_gives_the_same_numbers(pack: Pack, painted: ModelMeasurement) -> None:
    assert examined(pack, Painter()).metrics == painted.metrics


class Dimmer(Painter):
    """Paints what is asked as brightly as the photo is: each person answers another way."""

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor, still: Tensor | None = None) -> Edit:
        return super().forward(image, y_from, y_to * (image.mean((1, 2, 3))[:, None] + 1) / 2)


def test_people_seen_once_and_often_are_measured_as_if_they_were_alone(pack: Pack) -> None:
    held_out = choose_held_out_people(pack, EvaluationConfig(people=99, pairs=0, crowd=0))
    alone = {
        "seen_once": [index for index in held_out.people if str(pack.names[index]).startswith("strangers/")],
        "seen_often": [index for index in held_out.people if str(pack.names[index]).startswith("person_")],
    }

    def report(people: Sequence[int]) -> ModelMeasurement:
        chosen = dataclasses.replace(held_out, people=np.array(people))
        protocol = EvaluationProtocol(pack, chosen, make_judge(MIXTURE), AUS, GridEmbedder())
        return outcome(measure_model(protocol, make_model(Dimmer()), "fake", SURE))[1]

    whole = report(held_out.people)
    means = []
    for kind, people in alone.items():
        part, other = report(people), {"seen_once": "seen_often", "seen_often": "seen_once"}[kind]
        apart = whole.find(f"response_{kind}_mean")
        assert apart is not None and apart.n == len(people) > 0
        assert apart.value == pytest.approx(value(part, "response_mean"))
        for au in AUS:
            assert whole.find(f"response_{kind}", au) == part.find(f"response_{kind}", au) is not None
        assert not [metric for metric in part.metrics if other in metric.key]
        means.append(apart.value)
    assert abs(means[0] - means[1]) > 0.001  # else they could be mixed up
    compared = {kind: [2 - place % 2 for place, i in enumerate(held_out.people) if i in alone[kind]] for kind in alone}
    distances = {kind: value(whole, f"identity_distance_{kind}_mean") for kind in alone}
    total = sum(sum(compared[kind]) * distances[kind] for kind in alone)  # of three AUs two of one person, one of next
    assert value(whole, "identity_distance_mean") == pytest.approx(total / sum(sum(n) for n in compared.values()))
    assert abs(distances["seen_once"] - distances["seen_often"]) > 0.001


def test_names_tell_how_many(painted: ModelMeasurement) -> None:
    names = {metric.name for metric in painted.metrics}
    assert {"response_mean_n4", "identity_distance_p95_n4", "pair_l1_ratio_n5", "frechet_judge_features_n6"} <= names


def test_the_sheet_shows_the_people_and_each_au_at_one(pack: Pack, painted: ModelMeasurement) -> None:
    assert len(painted.names) == len(painted.faces) == len(painted.results) == 4
    for face, results in zip(painted.faces, painted.results, strict=True):
        assert len(results) == 3
        for place, result in enumerate(results):
            bright = [result[14:18, 6 + 8 * other : 10 + 8 * other].mean() for other in range(3)]
            expected = [255 if other == place else OWN * 255 for other in range(3)]
            assert bright == pytest.approx(expected, abs=3)
            assert mean_change(result[24:], face[24:]) < 1


def test_without_pairs_crowd_and_embedder_the_rest_is_measured(pack: Pack) -> None:
    held_out = choose_held_out_people(pack, EvaluationConfig(people=1, pairs=0, crowd=0))
    protocol = EvaluationProtocol(pack, held_out, make_judge(MIXTURE), AUS)
    count, report = outcome(measure_model(protocol, make_model(Painter()), "fake", SURE))
    assert count == 2
    for key in ("identity_distance_mean", "pair_l1_ratio", "frechet_judge_features"):
        assert report.find(key) is None
    assert value(report, "response_mean") > 0.3


def test_the_judge_is_studied_on_all_that_is_held_out(pack: Pack) -> None:
    protocol = make_protocol(pack)
    read, _ = protocol.read(np.stack([protocol.face(int(index)) for index in protocol.held_out.held]))
    codes = {str(pack.names[index]): row for index, row in zip(protocol.held_out.held, read, strict=True)}
    codes["nobody.jpg"] = np.ones(3)
    count, worth = outcome(study_judge(protocol, {name: row.astype(np.float32) for name, row in codes.items()}))
    assert count == protocol.study_batches
    assert worth.n_codes == worth.n_labels == int(pack.validation.sum())
    assert worth.by_codes == pytest.approx(np.ones(3))  # these codes are its own readings
    assert (worth.by_labels < 0.99).all()


def test_aus_are_paired_by_number_not_by_place(pack: Pack) -> None:
    turned = make_judge(MIXTURE[::-1], AUS[::-1])  # the same readings in another order
    protocol = EvaluationProtocol(pack, make_protocol(pack).held_out, turned, AUS)
    faces = np.stack([protocol.face(int(index)) for index in protocol.held_out.held])
    np.testing.assert_array_equal(protocol.read(faces)[0], make_protocol(pack).read(faces)[0])
    where = [pack.au_numbers.index(number) for number in AUS]
    np.testing.assert_array_equal(protocol.labels, pack.aus[:, where])


def test_what_all_know_is_measured_in_the_order_of_the_first_model(pack: Pack) -> None:
    judge = make_judge(MIXTURE[:2, :2], (1, 12))
    aus, left_out = common_aus({"one": (12, 26, 1, 4), "other": (1, 12, 28)}, pack, judge)
    assert aus == (12, 1)
    assert left_out == (
        "AU26 AU4: other does not know it and the judge does not read it",
        "AU28: one does not know it and the pack has no labels of it and the judge does not read it",
    )


def test_what_does_not_go_together_is_told(pack: Pack) -> None:
    held_out = make_protocol(pack).held_out
    with pytest.raises(ModelError, match="no AU of one and other can be measured"):
        common_aus({"one": (1, 43), "other": (12, 43)}, pack, make_judge(MIXTURE))
    with pytest.raises(ModelError, match="cut another way"):
        EvaluationProtocol(pack, held_out, make_judge(MIXTURE, size_px=64), AUS)
    with pytest.raises(PackError, match="32 px wide, the model's 64 px"):
        next(measure_model(make_protocol(pack), make_model(Painter(), 64), "fake", SURE))


def test_a_judge_of_no_numbers_is_told(pack: Pack) -> None:
    protocol = make_protocol(pack, MIXTURE * np.nan)
    with pytest.raises(ModelError, match="not numbers"):
        outcome(study_judge(protocol, {}))
