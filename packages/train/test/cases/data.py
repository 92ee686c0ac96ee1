"""Makes data.json: scalers by scikit-learn's definitions in float64 numpy, and PyTorch's random_split. `python data.py`, numpy and torch."""
import json, os, numpy as np, torch
from torch.utils.data import random_split

rng = np.random.default_rng(5)
# Far from 0 (1e6 with a spread of 1e-3), tiny, ordinary, and constant at a number that float64 does not hold exactly.
x = np.stack([1e6 + 1e-3 * rng.standard_normal(50), 1e-8 * rng.random(50), rng.standard_normal(50) * 3 - 1, np.full(50, 0.1)], 1)
mean, std = x.mean(0), x.std(0)
std = np.where(np.ptp(x, 0) == 0, 1, std)
low, span = x.min(0), np.where(np.ptp(x, 0) == 0, 1, np.ptp(x, 0))
scalers = {"x": x.flatten().tolist(), "shape": list(x.shape), "standard": ((x - mean) / std).flatten().tolist(), "minMax": ((x - low) / span * 3 - 1).flatten().tolist(), "range": [-1, 2]}

splits = []
for n, parts in [(10, [3, 7]), (10, [0.3, 0.3, 0.4]), (11, [0.5, 0.5]), (103, [0.7, 0.2, 0.1]), (9, [0.3, 0.3, 0.4])]:
    out = random_split(range(n), parts, generator=torch.Generator().manual_seed(42))
    splits.append({"n": n, "parts": parts, "indices": [list(s.indices) for s in out]})

# batchify and get_batch of PyTorch's word language model example
streams = []
for n, rows, steps in [(26, 4, 2), (23, 3, 4), (50, 1, 7), (40, 4, 3)]:
    data = torch.arange(n).narrow(0, 0, n // rows * rows).view(rows, -1).t().contiguous()
    pairs = []
    for i in range(0, data.size(0) - 1, steps):
        k = min(steps, len(data) - 1 - i)
        pairs.append([data[i:i + k].tolist(), data[i + 1:i + 1 + k].tolist()])
    streams.append({"n": n, "rows": rows, "steps": steps, "pairs": pairs})

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data.json"), "w") as f:
    json.dump({"scalers": scalers, "splits": splits, "streams": streams}, f, separators=(",", ":"))
    f.write("\n")
