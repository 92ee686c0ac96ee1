"""Makes schedules.json: rates and momenta of PyTorch's schedules over 60 steps, with three groups. `python schedules.py`, torch 2.15.0.

A schedule is [name, options]; combined ones hold others. Factors of LambdaLR are named, and written again in the test."""
import json, os, torch
from torch import nn
S = torch.optim.lr_scheduler

FACTORS = {"decay": lambda t: 0.95 ** t, "warm": lambda t: min(1, (t + 1) / 8), "waves": lambda t: 1 + t % 3}
BASE = (0.1, 0.02, 3.0)


def build(o, spec):
    name, options = spec
    options = dict(options)
    if name == "LambdaLR":
        f = options["lr_lambda"]
        options["lr_lambda"] = FACTORS[f] if isinstance(f, str) else [FACTORS[n] for n in f]
    if name in ("SequentialLR", "ChainedScheduler"):
        parts = [build(o, s) for s in options.pop("schedulers")]
        return S.SequentialLR(o, parts, **options) if name == "SequentialLR" else S.ChainedScheduler(parts)
    return getattr(S, name)(o, **options)


def run(optimizer, spec):
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": lr} for lr in BASE]
    o = getattr(torch.optim, optimizer)(groups, **({"momentum": 0.9} if optimizer == "SGD" else {}))
    s = build(o, spec)
    rates, momenta = [], []
    for _ in range(60):
        rates.append([g["lr"] for g in o.param_groups])
        momenta.append([g["betas"][0] if "betas" in g else g["momentum"] for g in o.param_groups])
        o.step(); s.step()
    return {"optimizer": optimizer, "schedule": spec, "rates": rates, "momenta": momenta}


linear = ["LinearLR", {"start_factor": 0.1, "total_iters": 10}]
cases = [run(*c) for c in [
    ("SGD", ["LambdaLR", {"lr_lambda": "decay"}]),
    ("Adam", ["LambdaLR", {"lr_lambda": ["decay", "warm", "waves"]}]),
    ("SGD", ["MultiStepLR", {"milestones": [30, 5, 30, 40]}]),
    ("SGD", ["MultiStepLR", {"milestones": [0, 7], "gamma": 0.5}]),
    ("SGD", ["LinearLR", {}]),
    ("SGD", ["LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 37}]),
    ("SGD", linear),
    ("SGD", ["ConstantLR", {}]),
    ("SGD", ["ConstantLR", {"factor": 0.25, "total_iters": 17}]),
    ("SGD", ["PolynomialLR", {}]),
    ("SGD", ["PolynomialLR", {"total_iters": 55, "power": 2.5}]),
    ("SGD", ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 7}]),
    ("Adam", ["CyclicLR", {"base_lr": [0.01, 0.0, 1.0], "max_lr": [0.1, 0.3, 2.0], "step_size_up": 4, "step_size_down": 9, "mode": "triangular2", "base_momentum": [0.5, 0.6, 0.7], "max_momentum": 0.95}]),
    ("SGD", ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "mode": "exp_range", "gamma": 0.97, "cycle_momentum": False}]),
    ("SGD", ["CosineAnnealingWarmRestarts", {"T_0": 7}]),
    ("SGD", ["CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 3, "eta_min": 0.005}]),
    ("SGD", ["SequentialLR", {"schedulers": [linear, ["CosineAnnealingLR", {"T_max": 50}]], "milestones": [10]}]),
    ("SGD", ["SequentialLR", {"schedulers": [["ConstantLR", {"factor": 0.1, "total_iters": 3}], ["ExponentialLR", {"gamma": 0.9}], ["StepLR", {"step_size": 4, "gamma": 0.5}], ["PolynomialLR", {"total_iters": 20}]], "milestones": [5, 12, 33]}]),
    ("SGD", ["SequentialLR", {"schedulers": [["LambdaLR", {"lr_lambda": "warm"}], ["CosineAnnealingWarmRestarts", {"T_0": 9}], ["MultiStepLR", {"milestones": [3, 8]}]], "milestones": [8, 40]}]),
    ("SGD", ["ChainedScheduler", {"schedulers": [["ConstantLR", {"factor": 0.1, "total_iters": 20}], ["ExponentialLR", {"gamma": 0.9}]]}]),
    ("Adam", ["ChainedScheduler", {"schedulers": [linear, ["StepLR", {"step_size": 15}], ["MultiStepLR", {"milestones": [22, 41], "gamma": 0.3}]]}]),
]]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedules.json"), "w") as f:
    json.dump(cases, f, separators=(",", ":"))
    f.write("\n")
