"""Makes torch-prints.json, torch-draws.json and torch-special-values.json: what PyTorch prints, draws, and computes at corners. Run with PyTorch 2.15: python generate.py"""

import json
import math
from pathlib import Path

import torch

HERE = Path(__file__).parent
DTYPES = {"float32": torch.float32, "float64": torch.float64, "int32": torch.int32}


def number(value):
    """JSON has no NaN and no infinities; they go as words."""
    return value if math.isfinite(value) else str(value)


# ------------------------------------------------------------------ prints

prints = []


def show(name, values, shape=None, dtype="float32", suffix=()):
    """Records how PyTorch prints `values`: a list, or (count, scale, offset) for i * scale + offset, which must be exact."""
    if isinstance(values, tuple):
        count, scale, offset = values
        data = [i * scale + offset for i in range(count)]
        stored = {"count": count, "scale": scale, "offset": offset}
    else:
        data = values
        stored = None
    tensor = torch.tensor(data, dtype=DTYPES[dtype]).reshape([len(data)] if shape is None else shape)
    if stored is None:
        stored = [number(value) for value in tensor.flatten().tolist()]
    if "requires_grad=True" in suffix:
        tensor.requires_grad_()
    for grad_fn in suffix:
        if grad_fn.startswith("grad_fn=<Tanh"):
            tensor = torch.atanh(tensor.double()).to(tensor.dtype).requires_grad_().tanh()
            stored = [number(value) for value in tensor.flatten().tolist()]
        if grad_fn.startswith("grad_fn=<Add"):
            tensor = tensor.requires_grad_() + 0
    text = str(tensor)
    assert all(part in text for part in suffix), (text, suffix)
    prints.append({"name": name, "data": stored, "shape": list(tensor.shape), "dtype": dtype, "suffix": list(suffix), "text": text})


nan, inf = math.nan, math.inf
TANH, ADD, LEAF = "grad_fn=<TanhBackward0>", "grad_fn=<AddBackward0>", "requires_grad=True"

for value in (3.5, 0.0, -0.0, 1.0, -1.0, 1e8, 1.5e8, 1e-4, 9.9999e-5, 0.03125, -0.09375, 0.00005, 123456.789, nan, inf, -inf, 3.4e38, 1e-45):
    show(f"scalar {value}", [value], [])
for value in (0.03125, 1e300, 5e-324, 1e-100, 100005.0 * 1e4, 1.00005, 2.0**53, 100000000.0, 100000000.5, 2.0**-14):
    show(f"float64 scalar {value}", [value], [], "float64")
for value in (0, -7, 2147483647, -2147483648):
    show(f"int32 scalar {value}", [value], [], "int32")
show("scalar that requires a gradient", [3.5], [], suffix=(LEAF,))

show("fractions", [1.5, 2.25, 3.125])
show("negative values widen the column", [0.5, -0.25, 10.75])
show("integers as floats", [1.0, 2.0, 3.0])
show("integers of different widths", [1.0, -20.0, 300.0])
show("zeros", [0.0, 0.0])
show("negative zero among integers", [-0.0, 0.0, 1.0])
show("negative zero alone", [-0.0, 0.0])
show("negative zero among fractions", [-0.0, 0.5])
show("negative zero in scientific notation", [-0.0, 1e-5])
show("rounds to negative zero", [-0.00004, 0.5, 0.003], dtype="float64")
show("NaN alone", [nan, nan])
show("NaN and infinities among fractions", [nan, inf, -inf, 0.5])
show("NaN and infinities among integers", [nan, inf, -inf, 2.0])
show("NaN and infinities in scientific notation", [nan, inf, -inf, 2.5e-7])
show("infinity alone", [inf, -inf])
show("infinity with zero", [inf, 0.0])
show("ratio of exactly 1000", [1.0, 1000.0])
show("ratio above 1000, integers", [1.0, 1001.0])
show("ratio of exactly 1000, fractions", [0.5, 500.0])
show("ratio above 1000, fractions", [0.5, 500.5])
show("ratio ignores zeros", [0.0, 0.5, 400.0])
show("largest is 1e8", [1e8, 2e7])
show("largest above 1e8", [100000008.0, 2e7])
show("smallest is 1e-4 in float32", [1e-4, 0.05])
show("smallest is 1e-4 in float64", [1e-4, 0.05], dtype="float64")
show("smallest below 1e-4", [9e-5, 0.05])
show("exponents of three digits", [1e-100, 1e200], dtype="float64")
show("ties go to even, fixed", [0.03125, 0.09375, -0.15625, 0.21875, 1.53125, 12.34375])
show("ties go to even, scientific", [100005.0, 100015.0, -100025.0, 100035.0, 1.0], dtype="float64")
show("ties go to even, large scientific", [10000500000.0, 30001500000.0, 30002500000.0], dtype="float64")
show("ties go to even, small scientific", [0.0009765625, 2000.0, 2.0**-11, 1.00005 * 2**20, 512.5], dtype="float64")
show("near-ties", [1.00005, 0.00015, 0.12345, 0.99995], dtype="float64")
show("rounding carries into a new digit", [9.99995, 9.99996, 99.99999], dtype="float64")
show("rounding carries in scientific notation", [9.99999e-5, 9.99995e10], dtype="float64")
show("smallest and largest float32", [1.401298464324817e-45, 3.4028234663852886e38])
show("smallest and largest float64", [5e-324, 1.7976931348623157e308], dtype="float64")
show("int32", [1, 2], dtype="int32")
show("int32 of different widths", [-1, 20, 300, -4000], [2, 2], "int32")
show("float64", [0.1, 0.2], dtype="float64")
show("one element", [0.25])

show("empty", [], [0])
show("empty int32", [], [0], "int32")
show("empty float64 matrix", [], [2, 0], "float64")
show("empty matrix", [], [0, 3])
show("empty 3-D", [], [2, 0, 3])
show("empty that requires a gradient", [], [0], suffix=(LEAF,))
show("empty matrix that requires a gradient", [], [0, 3], suffix=(LEAF,))

show("matrix", [0.5, -1.5, 2.25, 3.0, 4.0, 5.0], [2, 3])
show("column", [1.5, 2.5, 3.5], [3, 1])
show("row", [1.5, 2.5, 3.5], [1, 3])
show("3-D", (12, 0.5, -2.0), [2, 2, 3])
show("4-D", (24, 0.25, 0.0), [2, 2, 2, 3])
show("5-D", (8, 1.0, 0.0), [1, 2, 2, 1, 2])
show("6-D of one element", [0.5], [1, 1, 1, 1, 1, 1])
show("int32 3-D", (8, 1, -4), [2, 2, 2], "int32")

show("lesson, step 0", [0.04689755290746689, -0.2778891623020172], suffix=(TANH,))
show("lesson, step 1", [0.46825170516967773, 0.8816576600074768], suffix=(TANH,))
show("matrix with gradient", [0.1, 0.2, -0.3, 0.4], [2, 2], suffix=(ADD,))
show("matrix that requires a gradient", [0.1, 0.2, -0.3, 0.4], [2, 2], suffix=(LEAF,))
show("float64 matrix that requires a gradient", [0.1, 0.2, -0.3, 0.4], [2, 2], "float64", suffix=(LEAF,))
show("3-D with gradient", (12, 0.5, -2.0), [2, 2, 3], suffix=(ADD,))
for count in range(4, 11):
    show(f"where {count} numbers leave room for the suffix", (count, 0.5, 0.25), suffix=(LEAF,))
    show(f"where {count} negative numbers leave room for the gradient", (count, 0.5, -10.25), suffix=(ADD,))
    show(f"where {count} numbers leave room for both suffixes", (count, 0.5, 0.25), dtype="float64", suffix=(LEAF,))
for count in (17, 18, 19):
    show(f"where {count} integers leave room for the type", (count, 1, 1), dtype="int32")

show("vector over several lines", (30, 0.5, 0.0))
show("vector over several lines with suffix", (27, 0.5, 0.0), suffix=(ADD,))
show("wide rows of a matrix", (40, 0.5, -3.0), [2, 20])
show("wide rows of a 3-D tensor", (48, 2.0**-20, 0.0), [2, 2, 12])
show("numbers wider than a quarter of the line", (6, 12345678901.0, 1.0), dtype="float64")

show("1000 elements are printed", (1000, 1.0, 0.0))
show("1001 elements are summarised", (1001, 1.0, 0.0))
show("summarised, with fractions", (1200, 0.25, -7.5))
show("summarised, in scientific notation", (1200, 0.25, 0.25))
show("summarised integers", (2000, 3, -500), dtype="int32")
show("width from the printed numbers alone", (1003, 0.5, -250.0), dtype="float64")
show("summarised matrix", (1600, 0.5, -400.0), [40, 40])
show("summarised matrix of few columns", (1200, 0.5, 0.0), [300, 4])
show("summarised matrix of few rows", (1200, 0.5, 1.0), [4, 300])
show("summarised matrix of six rows", (1206, 0.5, 1.0), [6, 201])
show("summarised matrix of seven columns", (1407, 0.5, 1.0), [201, 7])
show("summarised 3-D", (1331, 0.5, 100.0), [11, 11, 11])
show("summarised 3-D with gradient", (2000, 0.125, 0.0), [10, 10, 20], suffix=(ADD,))
show("summarised 4-D of small dimensions", (1296, 0.125, 0.0), [6, 6, 6, 6])
show("summarised column", (1001, 1.0, 0.0), [1001, 1])
show("summarised row that requires a gradient", (1001, 0.5, 0.5), [1, 1001], suffix=(LEAF,))


# ------------------------------------------------------------------ draws


def draw(generator, op, dtype="float32", n=0, **arguments):
    """Runs one call on the generator and records its arguments and numbers."""
    if op == "uniform":
        values = torch.empty(n, dtype=DTYPES[dtype]).uniform_(arguments["low"], arguments["high"], generator=generator)
    elif op == "normal":
        values = torch.empty(n, dtype=DTYPES[dtype]).normal_(arguments["mean"], arguments["std"], generator=generator)
    elif op == "integers":
        dtype = "int32"
        values = torch.empty(n, dtype=torch.int32).random_(arguments["low"], arguments["high"], generator=generator)
    else:
        dtype = "int32"
        values = torch.randperm(n, generator=generator)
    return {"op": op, "dtype": dtype, "n": n, **arguments, "values": values.tolist()}


draws = []
for seed in (0, 1, 42, 67280421310721, 2**32 + 5, -1, 2**53 - 1):
    g = torch.Generator().manual_seed(seed)
    calls = [
        draw(g, "uniform", n=7, low=0.0, high=1.0),
        draw(g, "uniform", n=5, low=-0.3, high=0.7),
        draw(g, "normal", n=3, mean=0.0, std=1.0),
        draw(g, "uniform", "float64", n=4, low=-2.5, high=0.1),
        draw(g, "normal", "float64", n=4, mean=0.5, std=2.0),
        draw(g, "normal", n=16, mean=0.0, std=1.0),
        draw(g, "normal", n=21, mean=-1.0, std=0.25),
        draw(g, "normal", "float64", n=35, mean=0.0, std=1.0),
        draw(g, "integers", n=6, low=0, high=10),
        draw(g, "integers", n=3, low=-5, high=-4),
        draw(g, "integers", n=4, low=-(2**31), high=2**31 - 1),
        draw(g, "integers", n=4, low=0, high=2**28),
        draw(g, "integers", n=4, low=7, high=2**28 + 6),
        draw(g, "permutation", n=12),
        draw(g, "permutation", n=1),
        draw(g, "permutation", n=0),
        draw(g, "uniform", n=3, low=0.0, high=1.0),
    ]
    # Past one turn of the twister's 624 words.
    calls.append({**draw(g, "uniform", n=1000, low=0.0, high=1.0), "skipped": 997})
    calls[-1]["values"] = calls[-1]["values"][-3:]
    draws.append({"seed": seed, "calls": calls})

# ------------------------------------------------------------------ special values

special = []
CORNERS = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 30.0]


def listed(tensor):
    return {"shape": list(tensor.shape), "values": [number(value) for value in tensor.flatten().tolist()]}


def at(name, function, *operands):
    """Records the result and the gradients for a gradient of 1, 2, 3 ... from behind."""
    tensors = [torch.tensor(operand, dtype=torch.float64, requires_grad=True) for operand in operands]
    result = function(*tensors)
    behind = torch.arange(1, result.numel() + 1, dtype=torch.float64).reshape(result.shape)
    result.backward(behind)
    special.append({
        "name": name,
        "operands": [listed(tensor.detach()) for tensor in tensors],
        "result": listed(result.detach()),
        "gradients": [listed(tensor.grad) for tensor in tensors],
    })


for name in ("neg", "exp", "log", "sqrt", "square", "reciprocal", "tanh", "sigmoid", "relu"):
    at(name, getattr(torch, name), CORNERS)
for name in ("abs", "sign"):  # PyTorch says that NaN has the sign 0; here that is open
    at(name, getattr(torch, name), CORNERS[1:])
at("softplus", torch.nn.functional.softplus, CORNERS + [-800.0, 800.0])
at("tanh", torch.tanh, [800.0, -800.0, 20.0])
at("sigmoid", torch.sigmoid, [800.0, -800.0, 40.0])
at("clamp(-1, 1)", lambda x: x.clamp(-1, 1), CORNERS)
at("clamp(0)", lambda x: x.clamp(min=0), CORNERS)
at("clamp(undefined, 0.5)", lambda x: x.clamp(max=0.5), CORNERS)
for exponent in (0, 1, 2, 3, -1):
    at(f"pow({exponent})", lambda x, e=exponent: x ** e, CORNERS)
at("pow(0.5)", lambda x: x ** 0.5, [nan, inf, 0.0, 1.0, -1.0, 30.0])  # at -inf and -0 PyTorch's square root differs from the power
for base in (0, 1, 2):
    at(f"{base} to the power", lambda x, b=base: b ** x, CORNERS)
row, column = [CORNERS], [[value] for value in CORNERS]
for name in ("add", "sub", "mul", "div", "maximum", "minimum", "pow"):
    at(name, getattr(torch, name), [value for value in CORNERS for _ in CORNERS], CORNERS * len(CORNERS))
    at(name, getattr(torch, name), column, row)
at("where", lambda a, b: torch.where(torch.tensor([True, False, True, False]), a, b), [nan, nan, 1.0, inf], [nan, 2.0, nan, inf])
for vector in ([1.0, 3.0, 3.0], [nan, 1.0], [1.0, nan, nan], [inf, 1.0], [-inf, 1.0], [-inf, -inf], [inf, inf], [1000.0, 999.0], [-1000.0, 2.0]):
    for name in ("sum", "mean", "amax", "amin", "max", "min", "logsumexp", "softmax", "logSoftmax", "max at a position", "min at a position"):
        functions = {
            "logsumexp": lambda x: x.logsumexp(0), "softmax": lambda x: x.softmax(0), "logSoftmax": lambda x: x.log_softmax(0),
            "max at a position": lambda x: x.max(0).values, "min at a position": lambda x: x.min(0).values,
        }
        if name in ("max", "min") and any(math.isnan(x) for x in vector):
            continue  # here they are amax and amin, whose gradient is NaN then
        at(name, functions.get(name, getattr(torch, name, None)), vector)
at("matmul", torch.matmul, [[nan, 1.0], [inf, 0.0]], [[0.0, 1.0], [0.0, 2.0]])


for name, content in (("torch-prints", prints), ("torch-draws", draws), ("torch-special-values", special)):
    lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in content)
    (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n")
print(len(prints), "prints,", len(draws), "streams of draws,", len(special), "special values, torch", torch.__version__)
