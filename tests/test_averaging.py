"""Laws of the average of weights: it follows, it lags, it goes on where it was, and it learns nothing itself."""

from __future__ import annotations

import torch
from torch import nn

from ganimate.training.averaging import averaged


def network(value: float) -> nn.Module:
    norm = nn.BatchNorm1d(2)
    nn.init.constant_(norm.weight, value)
    return norm


def set_to(model: nn.Module, value: float) -> nn.Module:
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(value)
    return model


def test_it_begins_with_the_first_weights_and_then_lags_behind() -> None:
    model = network(0.0)
    average = averaged(model, 0.9)
    average.update_parameters(set_to(model, 1.0))
    assert torch.equal(average.module.weight, torch.ones(2))
    for _ in range(200):
        average.update_parameters(set_to(model, 2.0))
    before = average.module.weight.clone()
    average.update_parameters(set_to(model, 12.0))
    torch.testing.assert_close(average.module.weight, before + 0.1 * (12 - before))


def test_at_first_it_lags_less() -> None:
    model = network(0.0)
    average = averaged(model, 0.999)
    for step in range(5):
        average.update_parameters(set_to(model, float(step)))
    assert (average.module.weight > 3).all()  # an average by 0.999 alone would still be near 0


def test_buffers_are_averaged_and_counts_are_kept_where_norms_learn() -> None:
    model = nn.BatchNorm1d(2)
    average = averaged(model, 0.5, buffers=True)
    for step in range(4):
        model(torch.full((3, 2), float(step)))
        average.update_parameters(model)
    assert int(average.module.num_batches_tracked) == 4
    assert not torch.equal(average.module.running_mean, model.running_mean)


def test_it_goes_on_where_it_was() -> None:
    model = network(0.0)
    whole = averaged(model, 0.9)
    for step in range(6):
        whole.update_parameters(set_to(model, float(step)))
        if step == 2:
            halted = {name: value.clone() for name, value in whole.state_dict().items()}
    resumed = averaged(network(7.0), 0.9)
    resumed.load_state_dict(halted)
    for step in range(3, 6):
        resumed.update_parameters(set_to(model, float(step)))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])


def test_it_has_no_gradients() -> None:
    assert not any(weight.requires_grad for weight in averaged(network(1.0), 0.9).parameters())
