"""Makes metrics.json: measures by their definitions in float64 numpy, for sequences of different lengths. `python metrics.py`, numpy and torch.

The definitions are scikit-learn's (zero_division=0; classes that are neither true nor predicted are no labels), written out here."""
import json, os, numpy as np, torch

T, B, C = 7, 5, 4
rng = np.random.default_rng(11)
batches = []
for _ in range(3):
    lengths = [int(n) for n in rng.integers(0, T + 1, B)]
    lengths[0] = T
    scores = rng.standard_normal((T, B, C)).astype(np.float32)
    target = rng.integers(0, C, (T, B))
    scores[np.arange(T)[:, None], np.arange(B)[None], target] += 1
    target[rng.random((T, B)) < 0.1] = -100
    batches.append({"scores": scores, "target": target, "lengths": lengths})

within = [np.arange(T)[:, None] < np.array(b["lengths"])[None] for b in batches]
rows = np.concatenate([b["scores"][w] for b, w in zip(batches, within)]).astype(np.float64)
truth = np.concatenate([b["target"][w] for b, w in zip(batches, within)])
rows, truth = rows[truth != -100], truth[truth != -100]
guess = rows.argmax(1)
confusion = np.zeros((C, C), int)
np.add.at(confusion, (truth, guess), 1)
tp, predicted, support = np.diag(confusion), confusion.sum(0), confusion.sum(1)
per = {"Precision": tp / predicted, "Recall": tp / support, "F1Score": 2 * tp / (predicted + support)}
scores = {k: {"perClass": v.tolist(), "macro": v.mean(), "weighted": (v * support).sum() / support.sum(), "micro": tp.sum() / support.sum()} for k, v in per.items()}
losses = torch.nn.functional.cross_entropy(torch.tensor(rows), torch.tensor(truth), reduction="none").numpy()
top = {str(k): float(np.mean([y in np.argsort(-r)[:k] for r, y in zip(rows, truth)])) for k in (1, 2, 3, 4)}

# Far from 0, where the textbook formula E[y^2] - E[y]^2 fails.
values = [{"guess": (1e4 + rng.standard_normal((T, B))).tolist(), "target": (1e4 + rng.standard_normal((T, B))).tolist(), "lengths": b["lengths"]} for b in batches]
p = np.concatenate([np.array(v["guess"])[w] for v, w in zip(values, within)])
y = np.concatenate([np.array(v["target"])[w] for v, w in zip(values, within)])
errors = {"MeanAbsoluteError": np.abs(p - y).mean(), "RootMeanSquaredError": np.sqrt(((p - y) ** 2).mean()),
          "MeanAbsolutePercentageError": np.abs((p - y) / y).mean(), "R2Score": 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum()}

out = {"shape": [T, B, C], "batches": [{"scores": b["scores"].flatten().tolist(), "target": b["target"].flatten().tolist(), "lengths": b["lengths"]} for b in batches],
       "confusion": confusion.tolist(), "accuracy": top, "scores": scores, "losses": losses.tolist(), "nll": float(losses.mean()),
       "perplexity": float(2 ** (losses / np.log(2)).mean()), "bits": float((losses / np.log(2)).mean()), "values": values, "errors": errors}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
