"""Makes forecaster.pt and forecaster.json: the net of the demo "Forecast", and what it says in PyTorch.

python forecaster.py
"""

import json
from pathlib import Path

import torch
from torch import nn


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(1, 8)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0]) + x


torch.manual_seed(0)
model = Forecaster()
x = torch.randn(12, 1, 1)
folder = Path(__file__).parent
torch.save(model.state_dict(), folder / "forecaster.pt")
(folder / "forecaster.json").write_text(
    json.dumps({"input": x.flatten().tolist(), "output": model(x).flatten().tolist()}) + "\n"
)
