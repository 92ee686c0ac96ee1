"""Makes seq2seq.json: an encoder and a decoder with attention out of PyTorch's layers. `python seq2seq.py`, torch."""
import json, os, torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

V, E, H, S, T, B = 6, 4, 6, 5, 4, 3
BOS = 1


class Additive(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = nn.Linear(H, H, bias=False)
        self.memory = nn.Linear(H, H)
        self.v = nn.Linear(H, 1, bias=False)

    def scores(self, q, m):
        return self.v(torch.tanh(self.query(q).unsqueeze(2) + self.memory(m).unsqueeze(1))).squeeze(-1)


class General(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = nn.Linear(H, H, bias=False)

    def scores(self, q, m):
        return self.query(q) @ m.transpose(1, 2)


class Model(nn.Module):
    def __init__(self, cell, attention, layers, bidirectional):
        super().__init__()
        Layer = nn.LSTM if cell == "LSTM" else nn.GRU
        self.two = bidirectional
        self.source = nn.Embedding(V, E)
        self.encoder = Layer(E, H // 2 if bidirectional else H, layers, bidirectional=bidirectional)
        self.target = nn.Embedding(V, E)
        self.decoder = Layer(E, H, layers)
        if attention:
            self.attention = {"additive": Additive, "general": General}[attention]()
            self.combine = nn.Linear(2 * H, H)
        self.head = nn.Linear(H, V)

    def bridge(self, s):
        if not self.two:
            return s
        return torch.cat([s[0::2], s[1::2]], -1)

    def forward(self, source, target, lengths):
        packed = pack_padded_sequence(self.source(source), lengths, enforce_sorted=False)
        out, state = self.encoder(packed)
        memory = pad_packed_sequence(out, total_length=S)[0].transpose(0, 1)
        state = tuple(map(self.bridge, state)) if isinstance(state, tuple) else self.bridge(state)
        before = torch.cat([torch.full((1, B), BOS), target[:-1]])
        out, _ = self.decoder(self.target(before), state)
        if not hasattr(self, "attention"):
            return self.head(out)
        q = out.transpose(0, 1)
        scores = self.attention.scores(q, memory)
        mask = torch.arange(S)[None, :] >= torch.tensor(lengths)[:, None]
        weights = scores.masked_fill(mask[:, None, :], -torch.inf).softmax(-1)
        return self.head(torch.tanh(self.combine(torch.cat([q, weights @ memory], -1)))).transpose(0, 1)


cases = []
torch.manual_seed(0)
for cell, attention, layers, two in [("LSTM", "general", 1, True), ("GRU", "additive", 2, True), ("GRU", None, 2, False)]:
    model = Model(cell, attention, layers, two).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_((weight * 1000).round() / 1000)
    source, target = torch.randint(0, V, (S, B)), torch.randint(0, V, (T, B))
    lengths, target_lengths = [5, 2, 4], [4, 3, 1]
    scores = model(source, target, lengths)
    keep = torch.arange(T)[:, None] < torch.tensor(target_lengths)[None, :]
    loss = nn.functional.cross_entropy(scores[keep], target[keep])
    loss.backward()
    flat = lambda t: {"shape": list(t.shape), "data": [round(v, 8) for v in t.detach().flatten().tolist()]}
    cases.append({
        "options": {"cell": cell, "attention": attention or False, "numLayers": layers, "bidirectional": two, "sourceTokens": V, "targetTokens": V, "embeddingSize": E, "hiddenSize": H, "bos": BOS, "eos": 2},
        "weights": {k: flat(v) for k, v in model.state_dict().items()},
        "source": flat(source), "target": flat(target), "sourceLengths": lengths, "targetLengths": target_lengths,
        "scores": flat(scores), "loss": loss.item(), "grads": {k: flat(v.grad) for k, v in model.named_parameters()},
    })

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "seq2seq.json"), "w") as f:
    json.dump(cases, f, separators=(",", ":"))
    f.write("\n")
