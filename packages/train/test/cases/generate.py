"""Makes torch.json: what PyTorch's optimisers, clipping and schedules do beyond the shared reference cases. `python generate.py`, torch 2.15.0.

Results come from a float64 run on float32 inputs, so they are exact to the rounding of the numbers printed here."""
import json, math, os, torch
from torch import nn
S = torch.optim.lr_scheduler

torch.manual_seed(7)
torch.set_num_threads(1)
STEPS = 6


def numbers(t):
    return [float(x) for x in t.detach().double().flatten()]


def single(*shape):
    return torch.randn(*shape).float().double()


def optimiser(name, cls, options, steps=STEPS, without=(), changes=None):
    """without: steps at which the second parameter has no gradient. changes: options set on the group before a step."""
    first, second = single(2, 3), single(4)
    grads = [[single(2, 3), None if t in without else single(4)] for t in range(steps)]
    a, b = nn.Parameter(first.clone()), nn.Parameter(second.clone())
    o = getattr(torch.optim, cls)([a, b], **options)
    out = []
    for t in range(steps):
        for key, value in (changes or {}).get(t, {}).items():
            o.param_groups[0][key] = value
        a.grad, b.grad = (None if g is None else g.clone() for g in grads[t])
        o.step()
        out.append([numbers(a), numbers(b)])
    return {"name": name, "optimizer": cls, "options": options, "changes": changes or {}, "params": [numbers(first), numbers(second)],
            "grads": [[None if g is None else numbers(g) for g in pair] for pair in grads], "out": out}


optimisers = [
    optimiser("SGD, dampening", "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.2}),
    optimiser("SGD, maximize, nesterov", "SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "maximize": True}),
    optimiser("SGD, momentum from the third step on", "SGD", {"lr": 0.1}, changes={2: {"momentum": 0.9, "dampening": 0.5}}),
    optimiser("SGD, missing gradients", "SGD", {"lr": 0.1, "momentum": 0.9}, without=(0, 3)),
    optimiser("SGD, defaults", "SGD", {}),
    optimiser("Adam, defaults", "Adam", {}),
    optimiser("Adam, betas, eps, maximize", "Adam", {"lr": 0.05, "betas": [0.5, 0.8], "eps": 1e-3, "maximize": True}),
    optimiser("Adam, betas of 0", "Adam", {"lr": 0.05, "betas": [0.0, 0.0]}),
    optimiser("Adam, amsgrad, weight decay", "Adam", {"lr": 0.05, "betas": [0.5, 0.3], "amsgrad": True, "weight_decay": 0.3}),
    optimiser("Adam, missing gradients", "Adam", {"lr": 0.05}, without=(0, 1, 4)),
    optimiser("Adam, changing rate", "Adam", {"lr": 0.05}, changes={1: {"lr": 0.5}, 4: {"lr": 0.0}, 5: {"lr": 0.01}}),
    optimiser("AdamW, defaults", "AdamW", {}),
    optimiser("AdamW, amsgrad, maximize", "AdamW", {"lr": 0.05, "weight_decay": 0.5, "amsgrad": True, "maximize": True, "betas": [0.5, 0.3]}),
    optimiser("RMSprop, defaults", "RMSprop", {}),
    optimiser("RMSprop, weight decay, alpha, eps", "RMSprop", {"lr": 0.05, "alpha": 0.5, "eps": 1e-2, "weight_decay": 0.3}),
    optimiser("RMSprop, centered, maximize", "RMSprop", {"lr": 0.05, "alpha": 0.8, "centered": True, "maximize": True}),
    optimiser("RMSprop, momentum", "RMSprop", {"lr": 0.05, "momentum": 0.7}, without=(2,)),
    optimiser("Adagrad, defaults", "Adagrad", {}),
    optimiser("Adagrad, everything", "Adagrad", {"lr": 0.3, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True}, without=(1, 2)),
]


def clip(name, run, grads):
    params = []
    for g in grads:
        p = nn.Parameter(torch.zeros_like(g)); p.grad = g.clone(); params.append(p)
    norm = run(params)
    return {"grads": [numbers(g) for g in grads], "out": [numbers(p.grad) for p in params], "norm": None if norm is None else float(norm), **name}


clips = []
for kind in (0.5, 1.0, 2.0, 3.0, math.inf):
    for limit in (0.0, 0.7, 100.0):
        clips.append(clip({"maxNorm": limit, "normType": "inf" if kind == math.inf else kind}, lambda ps: nn.utils.clip_grad_norm_(ps, limit, kind), [single(2, 3), single(4), single(1)]))
clips.append(clip({"clipValue": 0.5}, lambda ps: nn.utils.clip_grad_value_(ps, 0.5), [single(2, 3), single(4)]))


def schedule(name, options, steps, optimizer="SGD", base=(0.1, 0.02), metrics=None, momentum=0.9):
    params = [nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in base]
    groups = [{"params": [p], "lr": lr} for p, lr in zip(params, base)]
    extra = {"momentum": momentum} if optimizer in ("SGD", "RMSprop") else {}
    o = getattr(torch.optim, optimizer)(groups, **extra)
    s = getattr(S, name)(o, **options)
    rates, momenta = [], []
    for t in range(steps):
        rates.append([g["lr"] for g in o.param_groups])
        momenta.append([g["betas"][0] if "betas" in g else g.get("momentum") for g in o.param_groups])
        o.step()
        s.step(metrics[t]) if metrics else s.step()
    rates.append([g["lr"] for g in o.param_groups])
    assert list(s.get_last_lr()) == rates[-1]
    return {"scheduler": name, "options": options, "optimizer": optimizer, "base": list(base), "momentum": extra.get("momentum"), "metrics": metrics, "rates": rates, "momenta": momenta}


plateau = [5, 4, 4.1, 4.2, 3.999, 3.9, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 2.9, 2.9, 2.9]
schedules = [
    schedule("StepLR", {"step_size": 3}, 10),
    schedule("StepLR", {"step_size": 1, "gamma": 0.9}, 5),
    schedule("ExponentialLR", {"gamma": 0.8}, 6),
    schedule("CosineAnnealingLR", {"T_max": 4}, 20),
    schedule("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}, 23),
    schedule("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.01}, 6),
    schedule("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.1}, 40, base=(0.0, 0.05)),
    schedule("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.3}, 60, base=(0.0, 1e-9)),
    schedule("OneCycleLR", {"max_lr": 0.5, "total_steps": 20}, 20),
    schedule("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 4, "steps_per_epoch": 5, "anneal_strategy": "linear"}, 19),
    schedule("OneCycleLR", {"max_lr": 1.0, "total_steps": 10, "anneal_strategy": "linear"}, 10),
    schedule("OneCycleLR", {"max_lr": 0.5, "total_steps": 30, "three_phase": True, "pct_start": 0.25}, 30),
    schedule("OneCycleLR", {"max_lr": 0.5, "total_steps": 20, "base_momentum": [0.5, 0.6], "max_momentum": 0.9, "div_factor": 5.0, "final_div_factor": 10.0}, 20, "Adam"),
    schedule("OneCycleLR", {"max_lr": 0.5, "total_steps": 12, "cycle_momentum": False, "pct_start": 0.0}, 12, "Adagrad"),
    schedule("OneCycleLR", {"max_lr": 0.5, "total_steps": 12, "pct_start": 1.0}, 11, "RMSprop", momentum=0),
    schedule("ReduceLROnPlateau", {"patience": 1}, 20, metrics=plateau),
    schedule("ReduceLROnPlateau", {"patience": 0, "factor": 0.5, "threshold": 0.05, "cooldown": 2, "min_lr": [0.02, 0.001]}, 20, metrics=plateau),
    schedule("ReduceLROnPlateau", {"patience": 2, "factor": 0.5, "threshold": 0.5, "threshold_mode": "abs"}, 20, metrics=plateau),
    schedule("ReduceLROnPlateau", {"mode": "max", "patience": 1, "factor": 0.5, "eps": 0.02, "threshold": 0.01}, 20, metrics=plateau[::-1]),
    schedule("ReduceLROnPlateau", {"mode": "max", "patience": 1, "factor": 0.3, "threshold": 0.2, "threshold_mode": "abs", "min_lr": 0.005}, 20, metrics=plateau[::-1]),
]

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch.json"), "w") as f:
    json.dump({"torch": torch.__version__, "optimisers": optimisers, "clips": clips, "schedules": schedules}, f, separators=(",", ":"))
    f.write("\n")
print(len(optimisers), len(clips), len(schedules))
