"""Makes special-values.json: what PyTorch gives at NaN, infinities, zeros and the ends of int32. Run with PyTorch 2.15: python generate.py"""

import json
import math
from pathlib import Path

import torch

HERE = Path(__file__).parent

SINGLE = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1.0, -1.0, 2.0, -1.5, 0.3, 17.0, -17.0, 200.0, -200.0, 1e30]
PAIRED = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1.0, -1.0, 2.0, -1.5]
WHOLE = [0, 1, -1, 7, -7, 65537, 2**31 - 1, -(2**31)]

UNARY = ["neg", "exp", "log", "sqrt", "square", "reciprocal", "abs", "sign", "tanh", "sigmoid", "relu", "softplus"]
BINARY = ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge"]
WHOLE_UNARY = ["neg", "square", "abs", "sign", "relu"]
WHOLE_BINARY = [op for op in BINARY if op not in ("div", "pow")]


def word(value):
    """JSON has no NaN, no infinities, and its writers lose the sign of zero; they go as words that JavaScript's Number reads."""
    if isinstance(value, int):
        return value
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if math.isnan(value):
        return "NaN"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else 0
    return value


def words(tensor):
    return [word(value) for value in tensor.tolist()]


cases = []
for dtype in (torch.float32, torch.float64, torch.int32):
    whole = dtype == torch.int32
    name = str(dtype).removeprefix("torch.")
    x = torch.tensor(WHOLE if whole else SINGLE, dtype=dtype)
    for op in WHOLE_UNARY if whole else UNARY:
        result = torch.nn.functional.softplus(x) if op == "softplus" else getattr(torch, op)(x)
        cases.append({"op": op, "dtype": name, "operands": [words(x)], "result": words(result)})
    x = torch.tensor(WHOLE if whole else PAIRED, dtype=dtype)
    a, b = x.repeat_interleave(len(x)), x.repeat(len(x))
    for op in WHOLE_BINARY if whole else BINARY:
        result = getattr(torch, op)(a, b).to(dtype)
        cases.append({"op": op, "dtype": name, "operands": [words(a), words(b)], "result": words(result)})

lines = ",\n".join(json.dumps(case) for case in cases)
(HERE / "special-values.json").write_text(f"[\n{lines}\n]\n")
