"""Makes gradient-flow.json: dL/dh_t of every step and layer of an LSTM and a GRU of two layers, as `retain_grad` gives it in a loop over
cells. `python gradient_flow.py`, torch 2.15.0; float64 runs on float32 weights."""
import json, os, torch
from torch import nn

torch.manual_seed(3)
T, B, I, H = 6, 3, 2, 4


def numbers(t):
    return [float(x) for x in t.detach().flatten()]


def case(kind):
    layer = getattr(nn, kind)(I, H, num_layers=2).double()
    for p in layer.parameters():
        p.data = (p.data * 2).float().double()
    x = torch.randn(T, B, I).float().double()
    states = [(torch.zeros(B, H).double(), torch.zeros(B, H).double()) if kind == "LSTM" else torch.zeros(B, H).double() for _ in range(2)]
    cells = []
    for l in range(2):
        cell = getattr(nn, kind + "Cell")(I if l == 0 else H, H).double()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(cell, name).data = getattr(layer, f"{name}_l{l}").data
        cells.append(cell)
    kept, loss = [[], []], 0
    for t in range(T):
        below = x[t]
        for l in range(2):
            states[l] = cells[l](below, states[l])
            below = states[l][0] if kind == "LSTM" else states[l]
            below.retain_grad()
            kept[l].append(below)
        loss = loss + (below ** 2).sum() * (t + 1)
    loss.backward()
    return {"kind": kind, "x": numbers(x), "loss": float(loss), "weights": {n: numbers(p) for n, p in layer.named_parameters()},
            "norms": [[float(h.grad.norm()) for h in layer] for layer in kept]}


with open(os.path.join(os.path.dirname(__file__), "gradient-flow.json"), "w") as f:
    json.dump({"shape": [T, B, I, H], "cases": [case("LSTM"), case("GRU")]}, f)
