"""Makes lru.json: the linear recurrent unit as a loop over complex numbers in PyTorch, values and gradients. `python lru.py`, torch 2.15.0.

Results come from a complex128 run, so they are exact to the rounding of the numbers printed here."""
import json, os, torch

torch.manual_seed(3)
T, B = 6, 3


def numbers(t):
    return {"shape": list(t.shape), "data": [float(x) for x in t.detach().flatten()]}


def case(inputs, states, outputs, lengths, first, reverse):
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, requires_grad=True)
    p = {
        "nu_log": draw(states), "theta_log": draw(states), "gamma_log": draw(states),
        "B_re": draw(states, inputs), "B_im": draw(states, inputs),
        "C_re": draw(outputs, states), "C_im": draw(outputs, states),
        "D": draw(outputs) if inputs == outputs else draw(outputs, inputs),
    }
    x = draw(T, B, inputs)
    re, im = (draw(B, states), draw(B, states)) if first else (torch.zeros(B, states, dtype=torch.float64),) * 2
    lam = torch.exp(torch.complex(-torch.exp(p["nu_log"]), torch.exp(p["theta_log"])))
    b, c = torch.complex(p["B_re"], p["B_im"]), torch.complex(p["C_re"], p["C_im"])
    h, ys = torch.complex(re, im), [None] * T
    ends = torch.tensor(lengths)
    for n in range(T):
        t = T - 1 - n if reverse else n
        going = (t < ends).unsqueeze(-1)
        u = x[t]
        after = lam * h + torch.exp(p["gamma_log"]) * (u.to(torch.complex128) @ b.T)
        h = torch.where(going, after, h)
        through = u * p["D"] if inputs == outputs else u @ p["D"].T
        ys[t] = torch.where(going, (h @ c.T).real + through, torch.zeros(()).double())
    y = torch.stack(ys)
    w = [torch.randn_like(v) for v in (y, h.real, h.imag)]
    loss = sum((v * k).sum() for v, k in zip((y, h.real, h.imag), w))
    leaves = {**p, "x": x, **({"re": re, "im": im} if first else {})}
    grads = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()))))
    return {
        "sizes": [inputs, states, outputs], "lengths": lengths, "reverse": reverse,
        "parameters": {k: numbers(v) for k, v in p.items()}, "x": numbers(x),
        "state": [numbers(re), numbers(im)] if first else None,
        "weights": [numbers(k) for k in w], "results": [numbers(v) for v in (y, h.real, h.imag)],
        "grads": {k: numbers(v) for k, v in grads.items()},
    }


cases = [case(3, 4, 3, [6, 6, 6], False, False), case(2, 3, 4, [6, 2, 0], True, False), case(3, 2, 3, [4, 6, 1], True, True)]
with open(os.path.join(os.path.dirname(__file__), "lru.json"), "w") as f:
    json.dump(cases, f, separators=(",", ":"))
    f.write("\n")
