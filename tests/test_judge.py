"""Laws of the judge: it reads alike in any company, learns from nobody held out, and its file tells the truth."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from synthetic import make_pack, shoot
from typer.testing import Result

from ganimate.config import Augmentation, CropSpec, JudgeConfig, JudgeTraining
from ganimate.data.judge_samples import BETWEEN, BROWS_AND_EYES, JudgeSamples
from ganimate.data.pack import Pack, open_pack
from ganimate.errors import ConfigError, ModelError, PackError, TrainingError
from ganimate.face.crop import Face, crop_face
from ganimate.facs import OPENFACE_AUS
from ganimate.networks import Judge
from ganimate.networks.pictures import to_tensor
from ganimate.training.judge_trainer import JudgeRecord, JudgeTrainer, agree, read_photos
from ganimate.zoo import catalogue as zoo
from ganimate.zoo.card import JUDGE_FORMAT, read_metadata
from ganimate.zoo.catalogue import find_judge
from ganimate.zoo.checkpoint import load_model, read_tensors, write_tensors
from ganimate.zoo.judge_weights import JudgeCard, load_judge, save_judge

Cli = Callable[..., Result]
AUS = (1, 2, 12)
TINY = JudgeConfig(size_px=32, channels=4, features=8)
CARD = JudgeCard(TINY, CropSpec(size_px=32), AUS, training={"steps": 3})
SHORT = JudgeTraining(batch_images=8, steps=4, check_steps=2, precision="fp32")
STILL = Augmentation(False, *(0.0,) * 10)
CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


@pytest.fixture
def judge() -> Judge:
    """A judge whose norms have seen something."""
    torch.manual_seed(0)
    judge = Judge(TINY, len(AUS))
    for _ in range(3):
        judge(torch.rand(8, 3, 32, 32) * 2 - 1)
    return judge.eval().requires_grad_(False)


@pytest.fixture
def judge_path(tmp_path: Path, judge: Judge) -> Path:
    path = tmp_path / "judge.safetensors"
    save_judge(path, CARD, judge)
    return path


def trained(pack: Pack, training: JudgeTraining, config: JudgeConfig = TINY) -> tuple[JudgeTrainer, list[JudgeRecord]]:
    trainer = JudgeTrainer(pack, config, training, CPU)
    return trainer, list(trainer.run())


def weights(trainer: JudgeTrainer) -> dict[str, torch.Tensor]:
    return trainer.average.state_dict()


# The network


def test_a_face_reads_the_same_alone_and_among_others(judge: Judge) -> None:
    faces = torch.rand(8, 3, 32, 32) * 2 - 1
    together = judge(faces)
    for i in range(8):
        alone = judge(faces[i : i + 1])
        torch.testing.assert_close(alone.aus[0], together.aus[i], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone.features[0], together.features[i], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size_px", [32, 64, 128])
def test_readings_have_the_shapes_that_are_promised(size_px: int) -> None:
    reading = Judge(JudgeConfig(size_px, channels=4, features=6), 5).eval()(torch.zeros(2, 3, size_px, size_px))
    assert reading.aus.shape == (2, 5) and reading.features.shape == (2, 6)
    assert reading.aus.dtype == reading.features.dtype == torch.float32


def test_readings_are_float32_also_under_autocast(judge: Judge) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        reading = judge(torch.zeros(1, 3, 32, 32))
    assert reading.aus.dtype == reading.features.dtype == torch.float32


def test_aus_are_a_linear_function_of_the_features(judge: Judge) -> None:
    reading = judge(torch.rand(4, 3, 32, 32))
    torch.testing.assert_close(judge.au_head(reading.features), reading.aus)


def test_the_default_judge_is_small() -> None:
    assert sum(weight.numel() for weight in Judge(JudgeConfig(), 17).parameters()) * 2 <= 8e6  # bytes, in half


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: JudgeConfig(size_px=48), "size_px"),
        (lambda: JudgeConfig(channels=0), "channels"),
        (lambda: JudgeConfig(dropout=1.0), "dropout"),
        (lambda: JudgeTraining(batch_images=1), "batch_images"),
        (lambda: JudgeTraining(chimera_share=1.5), "chimera_share"),
        (lambda: JudgeTraining(precision="fp8"), "precision"),
        (lambda: JudgeTraining(seed=-1), "seed"),
    ],
)
def test_configs_name_the_field_that_is_wrong(make: Callable[[], object], field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        make()


# The file


def test_a_judge_comes_back_from_its_file(judge: Judge, judge_path: Path) -> None:
    loaded = load_judge(judge_path)
    assert loaded.card == CARD
    assert not loaded.network.training
    assert not any(weight.requires_grad for weight in loaded.network.parameters())
    faces = torch.rand(4, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(loaded.network(faces).aus, judge(faces).aus, rtol=0, atol=0.01)  # half precision


def test_full_precision_comes_back_exactly(judge: Judge, tmp_path: Path) -> None:
    save_judge(tmp_path / "j", CARD, judge, half=False)
    for name, weight in load_judge(tmp_path / "j").network.state_dict().items():
        assert torch.equal(weight, judge.state_dict()[name]), name


def test_wrong_files_are_told_in_a_sentence(judge_path: Path, tiny_model: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    data = bytearray(judge_path.read_bytes())
    data[-5] ^= 255
    damaged.write_bytes(data)
    short = tmp_path / "short.safetensors"
    short.write_bytes(data[: len(data) // 2])
    for path, words in ((damaged, "altered"), (short, "not a ganimate judge"), (tmp_path / "none", "not a file")):
        with pytest.raises(ModelError, match=words) as caught:
            load_judge(path)
        assert "train-judge" in str(caught.value.hint)
    with pytest.raises(ModelError, match="'ganimate-model-1', not 'ganimate-judge-1'"):
        load_judge(tiny_model)
    with pytest.raises(ModelError, match="'ganimate-judge-1', not 'ganimate-model-1'"):
        load_model(judge_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"aus": [1, 2]}, "names 2 AUs but reads 3"),
        ({"judge": {"size_px": 32, "channels": 8, "features": 8}}, "does not fit its config"),
        ({"judge": {"size_px": 33}}, "cannot be used"),
        ({"colour": "red"}, "cannot be used"),
    ],
)
def test_files_that_contradict_themselves_are_refused(judge_path: Path, change: dict[str, object], words: str) -> None:
    tensors, facts = read_tensors(judge_path, JUDGE_FORMAT)
    write_tensors(judge_path, tensors, {"format": JUDGE_FORMAT, "card": {**facts["card"], **change}})
    with pytest.raises(ModelError, match=words):
        load_judge(judge_path)


def test_the_order_of_the_aus_cannot_be_changed_unseen(judge_path: Path) -> None:
    judge_path.write_bytes(judge_path.read_bytes().replace(b"[1, 2, 12]", b"[2, 1, 12]"))
    with pytest.raises(ModelError, match="altered"):
        load_judge(judge_path)


# Where it is


def test_the_judge_that_ships_is_found_and_is_no_model(
    judge_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo, "zoo_folders", lambda: [tmp_path / "shelf"])
    with pytest.raises(ModelError, match="missing") as caught:
        find_judge()
    assert "train-judge" in str(caught.value.hint)
    shipped = tmp_path / "shelf" / "judge" / "judge.safetensors"
    shipped.parent.mkdir(parents=True)
    judge_path.rename(shipped)
    assert find_judge() == find_judge(str(shipped)) == find_judge(str(shipped.parent)) == shipped
    assert zoo.list_models() == []
    with pytest.raises(ModelError, match="no judge at nowhere"):
        find_judge("nowhere")


def test_the_judge_that_ships_reads_the_example_photo(astronaut: NDArray[np.uint8], astronaut_face: Face) -> None:
    assert find_judge().stat().st_size <= 8e6
    judge = load_judge(find_judge())
    assert judge.card.aus == OPENFACE_AUS and judge.card.crop == CropSpec()
    crop = crop_face(astronaut, astronaut_face, judge.card.crop).image
    read = dict(zip(judge.card.aus, judge.network(to_tensor(crop[None])).aus[0].tolist(), strict=True))
    assert read[12] > 0.3 and read[25] > 0.2  # she smiles, and shows her teeth
    assert max(read[4], read[9], read[15], read[45]) < 0.2


# What it learns from


def test_batches_are_a_pure_function_of_the_step(pack: Pack) -> None:
    one, other = JudgeSamples(pack, SHORT), JudgeSamples(pack, SHORT)
    one.at(3)
    for a, b in zip(vars(one.at(7)).values(), vars(other.at(7)).values(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.at(7).image, one.at(8).image)
    assert not torch.equal(one.at(7).image, JudgeSamples(pack, dataclasses.replace(SHORT, seed=1)).at(7).image)


def test_batches_have_the_shapes_and_ranges_that_are_promised(pack: Pack) -> None:
    batch = JudgeSamples(pack, SHORT).at(0)
    assert batch.image.shape == (8, 3, 32, 32)
    assert batch.aus.shape == batch.known.shape == (8, 17)
    assert batch.image.dtype == batch.aus.dtype == batch.known.dtype == torch.float32
    assert -1 <= float(batch.image.min()) < float(batch.image.max()) <= 1
    assert float(batch.aus.min()) >= 0 and float(batch.aus.max()) <= 1


def test_held_out_photos_are_never_opened_for_learning(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    image = Pack.image
    monkeypatch.setattr(Pack, "image", lambda self, i: opened.append(i) or image(self, i))
    trained(pack, dataclasses.replace(SHORT, steps=6, check_steps=100))
    assert len(opened) > 6 * 8  # hosts of moved faces, too
    assert not pack.validation[opened].any()


def test_held_out_labels_make_no_difference(pack: Pack) -> None:
    other = np.where(pack.validation[:, None], 1 - pack.aus, pack.aus)
    changed = dataclasses.replace(pack, aus=other)
    ours, theirs = weights(trained(pack, SHORT)[0]), weights(trained(changed, SHORT)[0])
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_photos_with_strong_aus_are_drawn_more_often(pack: Pack) -> None:
    plain = JudgeSamples(pack, dataclasses.replace(SHORT, rare_boost=0.0))
    boosted = JudgeSamples(pack, dataclasses.replace(SHORT, rare_boost=2.0))
    strongest = (pack.aus[boosted.photos] / boosted.deviations).max(1)
    assert np.ptp(plain._shares) == 0
    assert np.argmax(boosted._shares) == np.argmax(strongest)
    assert boosted._shares.sum() == pytest.approx(1)


def test_chimeras_have_the_brows_of_one_and_the_mouth_of_another(pack: Pack) -> None:
    plain = JudgeSamples(
        pack, dataclasses.replace(SHORT, augmentation=STILL, chimera_share=0.0, transplant_share=0.0)
    ).at(0)
    mixed = JudgeSamples(
        pack, dataclasses.replace(SHORT, augmentation=STILL, chimera_share=0.5, transplant_share=0.0)
    ).at(0)
    below = torch.tensor([3, 0, 1, 2])  # the neighbour whose mouth is taken
    torch.testing.assert_close(mixed.image[:4, :, :12], plain.image[:4, :, :12], rtol=0, atol=1e-3)
    torch.testing.assert_close(mixed.image[:4, :, 20:], plain.image[below, :, 20:], rtol=0, atol=1e-3)
    for k, number in enumerate(pack.au_numbers):
        expected = plain.aus[:4, k] if number in BROWS_AND_EYES else plain.aus[below, k]
        assert number in BETWEEN or torch.equal(mixed.aus[:4, k], expected), number
        assert bool((mixed.known[:4, k] == float(number not in BETWEEN)).all())
    assert torch.equal(mixed.image[4:], plain.image[4:]) and torch.equal(mixed.aus[4:], plain.aus[4:])
    assert bool((plain.known == 1).all())


def test_who_is_seen_often_is_also_seen_in_others_photos(pack: Pack) -> None:
    here, moved = (
        JudgeSamples(
            pack, dataclasses.replace(SHORT, augmentation=STILL, chimera_share=0.0, transplant_share=share)
        ).at(0)
        for share in (0.0, 1.0)
    )
    first = [int(np.flatnonzero((pack.aus == aus.numpy()).all(1))[0]) for aus in here.aus[:1]]
    assert torch.equal(here.aus[0], moved.aus[0])
    assert torch.equal(here.image[0], moved.image[0]) == (pack.person[first[0]] < 0)
    corners = torch.stack([batch.image[:, :, 0, 0] for batch in (here, moved)])
    assert (corners[0] != corners[1]).any()


def test_a_plain_batch_is_the_crop_that_is_read(pack: Pack) -> None:
    still = dataclasses.replace(SHORT, augmentation=STILL, chimera_share=0.0, transplant_share=0.0)
    batch = JudgeSamples(pack, still).at(0)
    stored = pack.image(int(np.flatnonzero((pack.aus == batch.aus[0].numpy()).all(1))[0]))
    torch.testing.assert_close(
        (batch.image[0].permute(1, 2, 0) + 1) * 127.5, torch.from_numpy(stored[4:36, 4:36]).float(), rtol=0, atol=1e-3
    )


# Its training


def test_it_learns(pack: Pack) -> None:
    training = dataclasses.replace(
        SHORT, steps=60, batch_images=16, check_steps=30, learning_rate=5e-3, ema_decay=0.9,
        augmentation=STILL, chimera_share=0.0, transplant_share=0.0,
    )  # fmt: skip
    trainer, records = trained(pack, training, JudgeConfig(32, channels=4, features=32, dropout=0.0))
    first, last = np.mean([r.error for r in records[:5]]), np.mean([r.error for r in records[-5:]])
    assert last < 0.5 * first
    assert [r.step for r in records if r.held_out] == [30, 60]
    photos = pack.indices(validation=False)
    assert agree(read_photos(trainer.average, pack, photos), pack.aus[photos]).mean_correlation > 0.6


def test_it_begins_by_saying_the_mean(pack: Pack) -> None:
    trainer = JudgeTrainer(pack, TINY, SHORT, CPU)
    photos = pack.indices(validation=False)
    mean = pack.aus[photos].mean(0)
    np.testing.assert_allclose(read_photos(trainer.average, pack, photos[:2]), np.stack([mean, mean]), atol=1e-6)


def test_a_seed_makes_one_judge(pack: Pack) -> None:
    one, again = weights(trained(pack, SHORT)[0]), weights(trained(pack, SHORT)[0])
    other = weights(trained(pack, dataclasses.replace(SHORT, seed=1))[0])
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["au_head.weight"], other["au_head.weight"])


def test_a_wish_and_the_clock_end_it(pack: Pack) -> None:
    trainer = JudgeTrainer(pack, TINY, SHORT, CPU)
    assert len(list(trainer.run(stop=lambda: trainer.step_index >= 2))) == 2
    assert list(trainer.run(minutes=0)) == []
    assert [record.step for record in trainer.run()] == [3, 4]


def test_an_error_that_is_not_finite_ends_it(pack: Pack) -> None:
    trainer = JudgeTrainer(pack, TINY, SHORT, CPU)
    with torch.no_grad():
        trainer.judge.au_head.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="nan at step 1"):
        trainer.step(0.0)


def test_a_pack_of_another_size_or_without_photos_is_refused(pack: Pack) -> None:
    with pytest.raises(PackError, match="32 px wide"):
        JudgeTrainer(pack, JudgeConfig(size_px=64), SHORT, CPU)
    nobody = dataclasses.replace(pack, validation=np.ones(len(pack), np.bool_))
    with pytest.raises(PackError, match="0 photos for training"):
        JudgeTrainer(nobody, TINY, SHORT, CPU)


def test_agreement_is_correlation_and_slope() -> None:
    labels = np.array([[0.0, 0.5, 0.2], [1.0, 0.5, 0.4], [0.5, 0.5, 0.0]], np.float32)
    readings = np.stack([0.5 * labels[:, 0] + 0.1, labels[:, 1], -labels[:, 2]], 1)
    found = agree(readings, labels)
    np.testing.assert_allclose(found.correlation[[0, 2]], [1, -1], atol=1e-6)
    np.testing.assert_allclose(found.slope[[0, 2]], [0.5, -1], atol=1e-6)
    assert np.isnan(found.correlation[1]) and found.mean_correlation == pytest.approx(0)


# The command


def options(folder: Path, *more: object) -> tuple[object, ...]:
    out = folder / "new" / "judge.safetensors"
    return ("--out", out, "--steps", 3, "--batch", 4, "--channels", 4, "--threads", 1, "--device", "cpu", *more)


def refused(result: Result, *words: str, code: int = 1) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == "" and result.stderr.startswith("error: ")
    for word in words:
        assert word in result.stderr


def test_train_judge_writes_a_judge(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    result = cli("train-judge", faces_pack, *options(tmp_path))
    out = tmp_path / "new" / "judge.safetensors"
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n"
    assert re.search(r"pack: .*, \d+ photos to train on, \d+ held out", result.stderr)
    assert "correlation with the label" in result.stderr
    assert re.search(r"warning: of 17 AUs the judge reads \d well enough to measure models", result.stderr)
    loaded = load_judge(out)
    facts = read_metadata(out, JUDGE_FORMAT)["card"]["training"]
    assert loaded.card.judge == JudgeConfig(size_px=32, channels=4)
    assert loaded.card.aus == open_pack(faces_pack).au_numbers
    assert facts["steps"] == 3 and facts["config"]["seed"] == JudgeTraining().seed
    assert len(facts["held_out_correlation"]) == len(facts["held_out_slope"]) == 17
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_train_judge_tells_the_same_as_json(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    result = cli("train-judge", faces_pack, *options(tmp_path, "--json", "--quiet", "--minutes", 5))
    facts = json.loads(result.stdout)
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["warning", "hint"]  # after three steps
    assert facts["steps"] == 3 and facts["judge"].endswith("judge.safetensors")
    assert set(facts["aus"]) == {str(number) for number in open_pack(faces_pack).au_numbers}


def test_a_card_tells_which_aus_are_read() -> None:
    assert CARD.reads is None
    told = {"held_out_correlation": [0.9, None, 0.49]}
    assert dataclasses.replace(CARD, training=told).reads == (1,)
    assert dataclasses.replace(CARD, training={"held_out_correlation": "x"}).reads is None


def test_train_judge_says_when_nobody_is_held_out(cli: Cli, tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=0, strangers=4), share=0.0)
    result = cli("train-judge", tmp_path / "faces.pack", *options(tmp_path))
    assert result.exit_code == 0, result.output
    assert "nobody is held out" in result.stderr


def test_train_judge_replaces_by_force_only(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "judge.safetensors"
    out.parent.mkdir()
    out.write_text("mine")
    refused(cli("train-judge", faces_pack, *options(tmp_path)), "exists already", "--force")
    assert out.read_text() == "mine"
    assert cli("train-judge", faces_pack, *options(tmp_path, "--force")).exit_code == 0
    assert load_judge(out).card.judge.channels == 4


def test_train_judge_refuses_before_the_work(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    refused(cli("train-judge", tmp_path, *options(tmp_path)), "is not a pack", "ganimate prepare")
    refused(cli("train-judge", faces_pack, "--out", tmp_path), "is a folder")
    refused(cli("train-judge", faces_pack, *options(tmp_path, "--learning-rate", 5)), "--learning-rate", code=2)
    refused(cli("train-judge", faces_pack, *options(tmp_path, "--precision", "fp8")), "--precision", code=2)
    (tmp_path / "file").write_text("")
    refused(cli("train-judge", faces_pack, "--out", tmp_path / "file" / "judge"), "cannot be written")


def test_ctrl_c_leaves_nothing_behind(
    cli: Cli, faces_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: JudgeTrainer, progress: float) -> JudgeRecord:
        raise KeyboardInterrupt

    monkeypatch.setattr(JudgeTrainer, "step", interrupt)
    result = cli("train-judge", faces_pack, *options(tmp_path))
    assert result.exit_code == 130
    assert "nothing half done is left behind" in result.stderr
    assert list((tmp_path / "new").iterdir()) == []
