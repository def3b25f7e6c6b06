"""The soft-gated warping generator: moves the photo's own pixels and paints only what was not visible.

After Soft-Gated Warping-GAN (Dong et al., NeurIPS 2018), from persons and poses to faces and action units.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganimate.config import GeneratorConfig
from ganimate.face.ramps import smoothstep
from ganimate.motion.contours import pixel_places
from ganimate.motion.landmark_response import LandmarkResponse, move_landmarks
from ganimate.motion.spline import spline_flow
from ganimate.networks.blocks import ConvNorm, ModulatedBlock, SoftGatedWarp, Upsample, init_weights, resize, warp
from ganimate.networks.edit import Edit, GeneratorNetwork
from ganimate.networks.hold_map import leashed, unpainted
from ganimate.render.complexion import eyeballs, shaded
from ganimate.render.lids import closing, followed, slide_lids
from ganimate.render.mouth import interior, look_at_mouth

BORDER = 0.06  # width of the rim, in crop widths, over which the flow falls to 0
MOST_GAIN = 1.5  # the AU head would ask for more, where brows tear and eyes bulge
GAIN_RATE = 5.0  # the optimizer's steps are small for so few and so weighty numbers
FULL_CHANGE = 0.1  # length of an AU change above which the edit is fully open
BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)  # of 16: a smooth filter of five


def rim(size: int, device: torch.device) -> Tensor:
    """Return (1, 1, size, size): 1 inside, falling smoothly to 0 at the border, where the warp is the identity."""
    place = torch.arange(size, device=device, dtype=torch.float32)
    ramp = (torch.minimum(place, size - 1 - place) / size).clamp(0, BORDER) / BORDER  # exactly 0 at both ends
    smooth = smoothstep(ramp)
    return smooth[None, None, :, None] * smooth[None, None, None, :]


def change_strength(y_from: Tensor, y_to: Tensor) -> Tensor:
    """Return (B, 1, 1, 1) in [0, 1): 0 where nothing is asked for, near 1 above a change of FULL_CHANGE."""
    squares = (y_to - y_from).float().square().sum(1)[:, None, None, None]
    return torch.tanh((squares + 1e-12).sqrt() / FULL_CHANGE - 1e-6 / FULL_CHANGE).clamp_min(0)


def stretch(flow: Tensor) -> Tensor:
    """Return how much a backward flow (B, 2, H, W) enlarges the photo, log2 of the area (B, 1, H, W), within ±3.

    Large where skin is drawn out over what was hidden, an opening mouth say: there paint is needed.
    """
    half_size = flow.shape[-1] / 2  # a step of one pixel is 1/half_size grid units
    down = functional.pad(flow[..., 1:, :] - flow[..., :-1, :], (0, 0, 0, 1)) * half_size
    right = functional.pad(flow[..., 1:] - flow[..., :-1], (0, 1)) * half_size
    area = (1 + right[:, 0]) * (1 + down[:, 1]) - right[:, 1] * down[:, 0]  # (B, H, W), of the source
    return -torch.log2(area.abs().clamp(1 / 8, 8))[:, None]


class GeometricMatcher(nn.Module):
    """Gives a smooth flow for a wanted change of AUs: the landmarks' own, and a correction by the photo's features.

    A regression knows how each AU displaces landmarks; the face's own landmarks move by the sum, and a thin-plate
    spline carries the skin along. So lids meet and lips part just where this face has them. What is learnt is one gain
    an AU, by the critic's AU head alone (pairs, whose labels are noisy, would flatten it), and a small correction.
    """

    def __init__(self, channels: int, condition: int, blocks: int, limit: float, n_aus: int) -> None:
        super().__init__()
        self.register_buffer("slopes", torch.zeros(n_aus, 68, 2))  # see `geometry.LandmarkResponse` for all three
        self.register_buffer("closing", torch.zeros(n_aus))
        self.register_buffer("limits", torch.ones(68))
        self.log_gain = nn.Parameter(torch.zeros(n_aus))  # in units of 1 / GAIN_RATE
        self.blocks = nn.ModuleList(ModulatedBlock(channels, condition) for _ in range(blocks))
        self.up = Upsample(channels, channels // 2)
        self.to_flow = nn.Conv2d(channels // 2, 2, 3, 1, 1)
        self._limit = 2 * limit  # the crop is 2 wide
        # A plain table: tensors multiplied on the meta device, where weights are checked, load torch's compiler.
        kernel = [[a * b / 256.0 for b in BINOMIAL] for a in BINOMIAL]
        self.register_buffer("_smooth", torch.tensor(kernel)[None, None], persistent=False)

    def forward(
        self, features: Tensor, e: Tensor, y_from: Tensor, y_to: Tensor, landmarks: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the spline's flow (B, 2, 4H, 4W), the correction likewise, where landmarks go, and the features.

        Features (B, C, H, W), condition e (B, E), AUs (B, N), landmarks (B, 68, 2).
        """
        for block in self.blocks:
            features = block(features, e)
        raw = self.to_flow(self.up(features))
        with torch.autocast(e.device.type, enabled=False):
            points, size = landmarks.float(), 4 * features.shape[-1]
            slopes = self.tensor("slopes") * self.gain()[:, None, None]
            goal = move_landmarks(
                points, y_from.float(), y_to.float(), slopes, self.tensor("closing"), self.tensor("limits")
            )
            correction = self.smooth(torch.tanh(raw.float()) * self._limit)
            return spline_flow(points, goal, size), resize(correction, size), goal, features

    def gain(self) -> Tensor:
        """Return how many times as far as the regression says each AU moves the landmarks, (N,)."""
        return (GAIN_RATE * self.log_gain).clamp_max(math.log(MOST_GAIN)).exp()

    def smooth(self, flow: Tensor) -> Tensor:
        """Return the flow (B, 2, H, W) after a binomial filter: free of kinks."""
        kernel = self.tensor("_smooth")
        padded = functional.pad(flow, (2, 2, 2, 2), mode="replicate")
        smoothed = functional.conv2d(padded.transpose(0, 1).reshape(-1, 1, *padded.shape[-2:]), kernel)
        return smoothed.reshape(2, len(flow), *flow.shape[-2:]).transpose(0, 1)

    def tensor(self, name: str) -> Tensor:
        """Return a buffer, typed."""
        found = getattr(self, name)
        assert isinstance(found, Tensor)
        return found


class WarpingGenerator(GeneratorNetwork):
    """Moves and repaints: I_f = (1−A)·C + A·W(I), W a smooth warp, identity at the rim and for y_f = y_o."""

    def __init__(self, config: GeneratorConfig, n_aus: int) -> None:
        super().__init__()
        c, e = config.channels, 4 * config.channels
        matcher_blocks = max(1, config.blocks // 2)
        self.embed = nn.Sequential(nn.Linear(2 * n_aus, e), nn.ReLU(inplace=True), nn.Linear(e, e))
        self.stem = ConvNorm(3, c, 7, 2)  # (B, c, S/2, S/2)
        self.down1 = ConvNorm(c, 3 * c, 4, 2)  # (B, 3c, S/4, S/4)
        self.down2 = ConvNorm(3 * c, 6 * c, 4, 2)  # (B, 6c, S/8, S/8)
        self.matcher = GeometricMatcher(6 * c, e, matcher_blocks, config.correction_limit, n_aus)
        self.warp_deep = SoftGatedWarp(6 * c)
        self.blocks = nn.ModuleList(ModulatedBlock(6 * c, e) for _ in range(config.blocks - matcher_blocks))
        self.up1 = Upsample(6 * c, 3 * c)
        self.modulate = ModulatedBlock(3 * c, e)
        self.up2 = Upsample(3 * c, 2 * c)
        self.see_stretch = nn.Conv2d(1, 2 * c, 3, 1, 1)
        self.merge = ConvNorm(3 * c, 2 * c)
        self.up3 = Upsample(2 * c, c)
        self.to_color = nn.Conv2d(c + 3, 3, 5, 1, 2)
        self.to_attention = nn.Conv2d(c + 3, 1, 5, 1, 2)
        init_weights(self)
        for head in (self.matcher.to_flow, self.to_color):  # begin with what the spline moves, and paint nothing
            nn.init.zeros_(head.weight)

    @torch.no_grad()
    def prime(self, response: LandmarkResponse) -> None:
        """Take up what a regression knows of how AUs move landmarks."""
        for name in ("slopes", "closing", "limits"):
            self.matcher.tensor(name).copy_(torch.from_numpy(getattr(response, name)))

    def forward(
        self, image: Tensor, y_from: Tensor, y_to: Tensor, landmarks: Tensor, hold_map: Tensor | None = None
    ) -> Edit:
        """Return the edit of `image` (B, 3, S, S) from its own AUs `y_from` (B, N) to `y_to` (B, N)."""
        size = image.shape[-1]
        strength = change_strength(y_from, y_to)  # (B, 1, 1, 1)
        e = self.embed(torch.cat([y_to, y_to - y_from], 1) * 2)  # (B, E)
        fine = self.stem(image)  # (B, c, S/2, S/2)
        middle = self.down1(fine)  # (B, 3c, S/4, S/4)
        spline, correction, goal, h = self.matcher(self.down2(middle), e, y_from, y_to, landmarks)
        goal = torch.lerp(landmarks.float(), goal.detach(), strength[..., 0])  # where they really go
        fade = strength * rim(spline.shape[-1], spline.device)
        free = (spline.detach() + correction) * fade
        coarse = leashed(free, hold_map)  # (B, 2, S/2, S/2)
        flow = leashed(self._enlarge(free, size), hold_map)  # (B, 2, S, S)
        h = self.warp_deep(h, coarse)
        for block in self.blocks:
            h = block(h, e)
        h = self.modulate(self.up1(h) + warp(middle, resize(coarse, middle.shape[-1])), e)
        h = self.up2(h) + self.see_stretch(stretch(coarse))
        h = self.merge(torch.cat([h, warp(fine, coarse)], 1))
        shut = closing(landmarks.float(), goal)
        if hold_map is not None:
            shut = shut * followed(coarse, free, goal)
        skin = slide_lids(image, landmarks.float() * size - 0.5, shut)
        moved = warp(skin, flow)  # W(I)
        h = torch.cat([self.up3(h), moved.to(h.dtype)], 1)  # (B, c+3, S, S)
        bare = moved.detach()  # what is painted is the difference: it must not depend on the motion (`Edit.painted`)
        color = (bare + 2 * torch.tanh(self.to_color(h).float())).clamp(-1, 1)
        color = shaded(color, bare, goal)
        attention = 1 - strength * torch.sigmoid(self.to_attention(h).float())  # A
        attention = unpainted(attention, hold_map)
        mouth = look_at_mouth(image, landmarks.float(), goal)
        shown = interior(mouth, pixel_places(size, image.device), 1 / size)
        gap = shown.gap[:, None]
        color = torch.lerp(color, 2 * shown.color - 1, gap) + (moved - bare)  # C
        bare_parts = torch.maximum(eyeballs(goal, size), shown.teeth[:, None])
        attention = torch.maximum(attention, bare_parts) * (1 - gap)
        image_f = (1 - attention) * color + attention * moved  # I_f
        steerable = None
        if self.training:
            steerable = warp(skin, self._enlarge((spline + correction.detach()) * fade, size))
        return Edit(image_f, attention, color, moved, flow, coarse, steerable, shut, mouth, gap)

    def _enlarge(self, coarse: Tensor, size: int) -> Tensor:
        flow = functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)
        return flow * rim(size, flow.device).gt(0)
