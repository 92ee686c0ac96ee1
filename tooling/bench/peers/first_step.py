"""Imports PyTorch, makes an LSTM of so many layers and trains it for one step, as it is or behind torch.compile.

Prints the milliseconds from the import to the end of the first step, and of the second."""
import json
import sys
import time

start = time.perf_counter()
import torch

layers, how = int(sys.argv[1]), sys.argv[2]
torch.manual_seed(0)
model = torch.nn.LSTM(8, 32, num_layers=layers)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x, y = torch.randn(20, 16, 8), torch.randn(20, 16, 32)


def loss_of(x, y):
    return torch.nn.functional.mse_loss(model(x)[0], y)


run = torch.compile(loss_of) if how == "compile" else loss_of


def step():
    optimizer.zero_grad()
    loss = run(x, y)
    loss.backward()
    optimizer.step()
    loss.item()
    return time.perf_counter()


first = step()
second = step()
print(json.dumps([1000 * (first - start), 1000 * (second - first)]))
