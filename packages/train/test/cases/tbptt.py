"""Makes tbptt.json: truncated backpropagation through time, accumulated gradients and averaged weights in PyTorch. `python tbptt.py`, torch 2.15.0.

Results come from a float64 run, so they are exact to the rounding of the numbers printed here."""
import json, os, torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(5)
torch.set_num_threads(1)
V, E, H, ROWS, STEPS, TEXT = 5, 3, 4, 3, 6, 80


def numbers(t):
    return [float(x) for x in t.detach().double().flatten()]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.head = nn.Embedding(V, E), nn.LSTM(E, H), nn.Linear(H, V)

    def forward(self, x, state=None):
        y, state = self.lstm(self.embedding(x), state)
        return self.head(y), state


def run(text, start, epochs, accumulate, decay):
    net = Net().double()
    net.load_state_dict(start)
    averaged = AveragedModel(net, multi_avg_fn=None if decay is None else get_ema_multi_avg_fn(decay))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    rows = text[: len(text) // ROWS * ROWS].view(ROWS, -1).t()
    losses, steps = [], []
    for _ in range(epochs):
        state, batches = None, list(range(0, len(rows) - 1, STEPS))
        for first in range(0, len(batches), accumulate):
            group = [(rows[i : min(i + STEPS, len(rows) - 1)], rows[i + 1 : i + 1 + STEPS]) for i in batches[first : first + accumulate]]
            total = sum(y.numel() for _, y in group)
            optimizer.zero_grad()
            value = 0
            for x, y in group:
                if state is not None:
                    state = tuple(s.detach() for s in state)
                scores, state = net(x, state)
                loss = nn.functional.cross_entropy(scores.reshape(-1, V), y.reshape(-1), reduction="sum") / total
                loss.backward()
                value += float(loss.detach())
            norm = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()
            averaged.update_parameters(net)
            losses.append(value)
            steps.append(float(norm))
    flat = lambda m: {name: numbers(p) for name, p in m.named_parameters()}
    return {"epochs": epochs, "accumulate": accumulate, "decay": decay, "losses": losses, "norms": steps, "end": flat(net), "averaged": flat(averaged.module)}


text = torch.randint(0, V, (TEXT,))
start = {name: p.float().double() for name, p in Net().state_dict().items()}
cases = [run(text, start, 3, accumulate, decay) for accumulate, decay in ((1, None), (1, 0.9), (2, 0.5), (4, None))]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tbptt.json"), "w") as f:
    json.dump({"torch": torch.__version__, "vocabulary": V, "embedding": E, "hidden": H, "rows": ROWS, "steps": STEPS, "text": text.tolist(), "start": {name: numbers(p) for name, p in start.items()}, "cases": cases}, f, separators=(",", ":"))
    f.write("\n")
print(len(cases))
