"""The likelihood of a mixture of Gaussians by torch.distributions, in float64: writes mixture.json."""

import json
import torch
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, MultivariateNormal

torch.manual_seed(0)
M, T, B = 6, 5, 3
output = torch.randn(T, B, 6 * M + 1, dtype=torch.float64) * 1.5
output[0, 0, 3 * M] = -7  # a deviation below the lowest
target = torch.randn(T, B, 3, dtype=torch.float64)
target[..., 2] = (target[..., 2] > 0).double()
output, target = output.float().double().requires_grad_(), target.float().double()

weight, mx, my, sx, sy, r = output[..., : 6 * M].reshape(T, B, 6, M).unbind(-2)
sx, sy, rho = sx.clamp(-5, 3).exp(), sy.clamp(-5, 3).exp(), 0.98 * r.tanh()
covariance = torch.stack([sx * sx, rho * sx * sy, rho * sx * sy, sy * sy], -1).reshape(T, B, M, 2, 2)
mixture = MixtureSameFamily(
    Categorical(logits=weight), MultivariateNormal(torch.stack([mx, my], -1), covariance_matrix=covariance)
)
pen = Bernoulli(logits=output[..., -1])
loss = -(mixture.log_prob(target[..., :2]) + pen.log_prob(target[..., 2])).mean()
loss.backward()
flat = lambda x: x.detach().flatten().tolist()
with open("mixture.json", "w") as file:
    json.dump(
        {"shape": [T, B], "output": flat(output), "target": flat(target), "loss": loss.item(), "grad": flat(output.grad)},
        file,
    )
