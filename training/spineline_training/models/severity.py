"""Stage 3: how severe. 2.5D: a 2D encoder for each slice, a bi-LSTM over the slices, attention pooling, joined views.

Source: docs/pipeline.md, "Severities" and "Training-only rules". Only in training, not in the exported graph: `sub`,
one head per view that solves the task alone, and `aux`, a separate attention score that learns the labelled slice.

With `slices_as` "channels" the three middle slices are the channels of one image: the model to compare 2.5D with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import SeverityConfig
from .encoder2d import Encoder2d

CLASSES = 3


class SeverityModel(nn.Module):
    """Crops `[B, slices, height, width]` in [0, 1], one array per view, to three logits.

    `forward` gives a dict: `logits` [B, 3]. In training also `sub`, a dict view -> [B, 3], and `aux`, a dict view ->
    [B, slices] slice logits, empty where slices are channels. A missing view is a zero tensor.
    """

    output = "logits"
    #: Submodules that only training uses.
    training_only = ("sub_heads", "aux_scores")

    def __init__(self, config: SeverityConfig, views: tuple[str, ...]) -> None:
        super().__init__()
        self.config = config
        self.inputs = views
        if config.encoders == "shared":
            self.encoders = nn.ModuleDict({"shared": Encoder2d(config.encoder)})
        else:
            self.encoders = nn.ModuleDict({view: Encoder2d(config.encoder) for view in views})
        channels = next(iter(self.encoders.values())).channels
        sequence = config.slices_as == "sequence"
        mixed = 2 * config.lstm_hidden if sequence else channels

        def a_view(make) -> nn.ModuleDict:
            return nn.ModuleDict({view: make() for view in views})

        if sequence:
            self.mixers = a_view(
                lambda: nn.LSTM(channels, config.lstm_hidden, batch_first=True, bidirectional=True)
            )
            self.agg_scores = a_view(lambda: AttentionScore(mixed))
            self.aux_scores = a_view(lambda: AttentionScore(mixed))
        self.sub_heads = a_view(lambda: nn.Linear(mixed, CLASSES))
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(mixed * len(views), CLASSES)

    def forward(self, *crops: Tensor) -> dict[str, Tensor | dict[str, Tensor]]:
        vectors: list[Tensor] = []
        sub: dict[str, Tensor] = {}
        aux: dict[str, Tensor] = {}
        for view, crop in zip(self.inputs, crops):
            if self.config.slices_as == "channels":
                vector = self._of_channels(view, crop)
            else:
                mixed = self._mixed(view, crop)
                weights = self.agg_scores[view](mixed).softmax(dim=1)
                vector = (weights.unsqueeze(2) * mixed).sum(dim=1)
                if self.training:
                    aux[view] = self.aux_scores[view](mixed)
            vectors.append(vector)
            if self.training:
                sub[view] = self.sub_heads[view](self.dropout(vector))
        logits = self.head(self.dropout(torch.cat(vectors, dim=1)))
        return {"logits": logits, "sub": sub, "aux": aux} if self.training else {"logits": logits}

    def _mixed(self, view: str, crop: Tensor) -> Tensor:
        """`[B, slices, height, width]` to `[B, slices, 2 * lstm_hidden]`."""
        encoder = self._encoder(view)
        # A slice has one channel; torchvision's encoders read three.
        slices = crop.flatten(0, 1).unsqueeze(1).expand(-1, 3, -1, -1)
        vectors = encoder.pool(encoder(slices)).reshape(-1, self.config.slices, encoder.channels)
        mixed, _ = self.mixers[view](vectors)
        return mixed

    def _of_channels(self, view: str, crop: Tensor) -> Tensor:
        """`[B, slices, height, width]` to `[B, channels]`, from the three middle slices."""
        encoder, first = self._encoder(view), (self.config.slices - 3) // 2
        return encoder.pool(encoder(crop[:, first : first + 3]))

    def _encoder(self, view: str) -> Encoder2d:
        return self.encoders["shared" if "shared" in self.encoders else view]


class AttentionScore(nn.Module):
    """One score per slice: `[B, slices, channels]` to `[B, slices]`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, max(8, channels // 2))
        self.score = nn.Linear(max(8, channels // 2), 1)

    def forward(self, mixed: Tensor) -> Tensor:
        return self.score(self.hidden(mixed).tanh()).squeeze(2)
