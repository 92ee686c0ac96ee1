"""Trains a layer of PyTorch for some steps on sequences of different lengths: on all steps, and packed.

Prints the milliseconds of the best step of both."""
import json
import sys
import time

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
name = sys.argv[1]
steps, rows, features, units, runs = (int(argument) for argument in sys.argv[2:7])
lengths = torch.tensor([int(length) for length in sys.argv[7].split(",")])
torch.manual_seed(0)
model = getattr(torch.nn, name)(features, units)
x = torch.randn(steps, rows, features)


def packed():
    output = model(pack_padded_sequence(x, lengths, enforce_sorted=False))[0]
    return pad_packed_sequence(output, total_length=steps)[0]


def best(forward):
    least = float("inf")
    for n in range(runs + 1):
        start = time.perf_counter()
        forward().square().mean().backward()
        if n > 0:
            least = min(least, time.perf_counter() - start)
        model.zero_grad()
    return 1000 * least


print(json.dumps([best(lambda: model(x)[0]), best(packed)]))
