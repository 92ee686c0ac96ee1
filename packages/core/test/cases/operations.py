"""Makes torch-operations.json: values and gradients of operations by PyTorch in float64. Run with PyTorch 2.15: python operations.py"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

nan, inf = math.nan, math.inf
CORNERS = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, -0.75, 5.5, -30.0, 30.0, 8388609.0, -4294967297.5, 4503599627370495.5]
cases = []


def number(value):
    """JSON has no NaN and no infinities, and drops the sign of a zero; they go as words."""
    if value == 0 and math.copysign(1, value) < 0:
        return "-0"
    return value if math.isfinite(value) else str(value)


def listed(tensor):
    return {"shape": list(tensor.shape), "values": [number(value) for value in tensor.double().flatten().tolist()]}


def at(name, function, *operands, differs=False):
    """Records the results and, for a gradient of 1, 2, 3 ... from behind into the first, those of the operands, unless ours differ."""
    tensors = [torch.tensor(operand, dtype=torch.float64, requires_grad=True) for operand in operands]
    results = function(*tensors)
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    gradients = []
    if results[0].requires_grad:
        behind = torch.arange(1, results[0].numel() + 1, dtype=torch.float64).reshape(results[0].shape)
        gradients = [listed(grad) for grad in torch.autograd.grad(results[0], tensors, behind, materialize_grads=True)]
    cases.append({
        "name": name,
        "operands": [listed(tensor.detach()) for tensor in tensors],
        "results": [listed(result.detach()) for result in results],
        "gradients": "differ" if differs else gradients,
    })


VECTORS = ([1.0, 3.0, 3.0, -2.0], [2.0], [nan, 1.0], [inf, 1.0, 2.0], [5.0, 5.0], [0.0, 0.0, 0.0], [0.0, 2.0, 3.0], [0.0, 2.0, 0.0], [-1.0, 0.5, 2.0, -3.0, 4.0])
MATRIX = [[1.0, -2.0, 3.0], [0.5, 4.0, -1.0], [2.0, 2.0, 6.0], [-3.0, 0.25, 0.0]]

for vector in VECTORS:
    at("var", lambda x: x.var(), vector)
    at("std", lambda x: x.std(), vector)
    at("var, correction 0", lambda x: x.var(correction=0), vector)
    at("std, correction 0", lambda x: x.std(correction=0), vector)
    at("var, correction 4", lambda x: x.var(correction=4), vector)
    for p in (0, 0.5, 1, 1.5, 2, 3, inf, -inf):
        at(f"norm {p}", lambda x, p=p: torch.linalg.vector_norm(x, p), vector)
    # Divided by a value that is not finite, the gradient of a product is NaN; here it is the product of the others.
    differs = not all(map(math.isfinite, vector))
    at("prod", lambda x: x.prod(), vector, differs=differs)
    at("cumsum", lambda x: x.cumsum(0), vector)
    at("cumprod", lambda x: x.cumprod(0), vector, differs=differs)
    at("any", lambda x: x.any(), vector)
    at("all", lambda x: x.all(), vector)
    at("sort", lambda x: x.sort(stable=True), vector)
    at("sort, descending", lambda x: x.sort(descending=True, stable=True), vector)
    at("argsort", lambda x: x.argsort(stable=True), vector)
for name in ("var", "std"):
    at(f"{name} of dim 1", lambda x, name=name: getattr(x, name)(1), MATRIX)
    at(f"{name} of dims 0 and 1, kept", lambda x, name=name: getattr(x, name)((0, 1), keepdim=True), MATRIX)
at("norm 2 of dim 0, kept", lambda x: torch.linalg.vector_norm(x, 2, 0, True), MATRIX)
at("prod of dim 1, kept", lambda x: x.prod(1, keepdim=True), MATRIX)
at("cumsum of dim 1", lambda x: x.cumsum(1), MATRIX)
at("cumprod of dim 0", lambda x: x.cumprod(0), MATRIX)
at("any of dim 0", lambda x: x.any(0), [[0.0, nan, 0.0], [0.0, 0.0, 2.0]])
at("all of dim 0", lambda x: x.all(0), [[1.0, nan, 0.0], [0.0, 2.0, 2.0]])
at("topk 2 of dim 1", lambda x: x.topk(2, 1), [[1.0, -2.0, 3.0, 7.0], [0.5, nan, -1.0, 4.0]])
at("topk 3, smallest", lambda x: x.topk(3, largest=False), [3.0, inf, -1.0, nan, 4.0])
at("sort of dim 0", lambda x: x.sort(dim=0, stable=True), MATRIX)
for name in ("floor", "ceil", "trunc", "round", "erf", "isnan", "isinf", "isfinite"):
    at(name, getattr(torch, name), CORNERS)
at("silu", F.silu, CORNERS)
at("gelu", F.gelu, CORNERS)
at("gelu, tanh", lambda x: F.gelu(x, approximate="tanh"), CORNERS)
at("erf", torch.erf, [0.1, 0.999, 1.0, 1.001, 1.7, 2.5, 4.0, 5.9, 6.1, -0.3, -3.3, 1e-12, -1e-300])
ANGLES = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1e-9, 0.7853981633974483, 1.5707963267948966, -1.6, 3.14159, 2.3, -4.0, 5.5, 7.9, 100.0, -1234.5, 9999.0]
at("sin", torch.sin, ANGLES)
at("cos", torch.cos, ANGLES)
at("maskedFill", lambda x, v: x.masked_fill(torch.tensor([[True, False, True]]), v.reshape([])), MATRIX, 7.0)
for diagonal in (-5, -1, 0, 1, 2):
    at(f"tril {diagonal}", lambda x, d=diagonal: x.tril(d), [[nan, 1.0, inf], [2.0, 3.0, 4.0]])
    at(f"triu {diagonal}", lambda x, d=diagonal: x.triu(d), [[nan, 1.0, inf], [2.0, 3.0, 4.0]])
at("pad constant [1, 2, -1, 3] with 9", lambda x: F.pad(x, [1, 2, -1, 3], value=9.0), MATRIX)
for mode in ("reflect", "replicate", "circular"):
    at(f"pad {mode} [2, 1]", lambda x, m=mode: F.pad(x, [2, 1], mode=m), MATRIX)
    at(f"pad {mode} [1, 2, 2, 1]", lambda x, m=mode: F.pad(x, [1, 2, 2, 1], mode=m), [MATRIX])
at("unfold 0 2 1", lambda x: x.unfold(0, 2, 1), MATRIX)
at("unfold 1 2 3", lambda x: x.unfold(1, 2, 3), MATRIX)
at("unfold 0 3 2", lambda x: x.unfold(0, 3, 2), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
CLOSE = [[1.0, 1.0, nan, inf, inf, 0.0, 100.0, -inf], [1.00001, 1.0001, nan, inf, -inf, 1e-8, 100.002, 1.0]]
at("isclose", lambda a, b: torch.isclose(a, b), *CLOSE)
at("isclose, looser, NaN too", lambda a, b: torch.isclose(a, b, rtol=1e-3, atol=1e-6, equal_nan=True), *CLOSE)

path = Path(__file__).parent / "torch-operations.json"
path.write_text("[\n" + ",\n".join(json.dumps(case, allow_nan=False) for case in cases) + "\n]\n")
print(len(cases), "cases, torch", torch.__version__)
