"""ResNet-20 for images of 32 pixels: He et al., 2016 (arXiv:1512.03385), section 4.2.

Three stages of three blocks with 16, 32 and 64 channels; shortcuts without parameters (option A):
subsampled, with zeros for the channels that are new. 0.27 million weights.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self._stride, self._new = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        """float32 [B, C, S, S]."""
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = x[:, :, :: self._stride, :: self._stride]
        return F.relu(out + F.pad(shortcut, (0, 0, 0, 0, self._new // 2, self._new // 2)))


class ResNet20(nn.Module):
    """float32 [B, 3, 32, 32] to logits [B, num_classes]; any size of 8 pixels or more will do."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(
                _Block(inputs, outputs, stride=stride),
                *(_Block(outputs, outputs, stride=1) for _ in range(2)),
            )
            for inputs, outputs, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2))
        )
        self.fc = nn.Linear(64, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Logits: float32 [B, num_classes]."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean(dim=(2, 3)))
