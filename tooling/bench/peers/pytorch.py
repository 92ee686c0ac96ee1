"""PyTorch's part of the benchmarks: reads a request a line, writes an answer a line. See ../README.md."""

import base64
import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn

SHORT, GROUP, LEAST, LONGEST = 0.1, 0.25, 5, 10_000  # as in ../src/measure.ts
GATES = {'rnn': 1, 'lstm': 4, 'gru': 3}
LAYERS = {'rnn': nn.RNN, 'lstm': nn.LSTM, 'gru': nn.GRU}
CELLS = {'rnn': nn.RNNCell, 'lstm': nn.LSTMCell, 'gru': nn.GRUCell}


def seed_of(name):
    """FNV-1a, 32 bits."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def scrambled(name, size):
    """The numbers of ../src/numbers.ts."""
    with np.errstate(over='ignore'):
        x = np.uint32(seed_of(name)) + np.arange(size, dtype=np.uint32) * np.uint32(0x9E3779B9)
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
        return x ^ (x >> np.uint32(15))


def uniform(name, shape, scale=1.0):
    bits = scrambled(name, math.prod(shape)) >> np.uint32(8)
    return torch.from_numpy(((bits.astype(np.float64) / 2**23 - 1) * scale).astype(np.float32)).reshape(list(shape))


def fill(module, scale, prefix=''):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(uniform(prefix + name, parameter.shape, scale))
    return module


class LoopByHand(nn.Module):
    """As LoopByHand of ../src/libraries/modules.ts."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        h, outputs = None, []
        for step in x.unbind(0):
            h = self.cell(step, h)
            outputs.append(h)
        return torch.stack(outputs), h


def layer_of(work):
    if work.get('variant') == 'by-hand':
        cell = CELLS[work['cell']](work['I'], work['H'])
        with torch.no_grad():
            for name, parameter in cell.named_parameters():
                parameter.copy_(uniform(f'{name}_l0', parameter.shape, work['H'] ** -0.5))
        return LoopByHand(cell)
    make = LAYERS[work['cell']]
    layer = make(work['I'], work['H'], num_layers=work['layers'], bidirectional=work['dirs'] == 2)
    return fill(layer, work['H'] ** -0.5)


def forward(work):
    layer = layer_of(work)
    x = uniform('x', (work['T'], work['B'], work['I']))

    @torch.inference_mode()
    def run():
        return layer(x)[0].numpy()

    return run, run


def step(work):
    size, hidden, stream = work['I'], work['H'], work['stream']
    cell = CELLS[work['cell']](size, hidden)
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            parameter.copy_(uniform(f'{name}_l0', parameter.shape, hidden**-0.5))
    inputs = uniform('x', (stream, 1, size)).numpy()
    state, n = None, 0

    @torch.inference_mode()
    def run():
        nonlocal state, n
        state = cell(torch.from_numpy(inputs[n % stream]), state)
        n += 1
        return (state[0] if isinstance(state, tuple) else state).numpy()

    def check():
        nonlocal state, n
        state, n = None, 0
        return np.concatenate([run().copy() for _ in range(stream)])

    return run, check


def train(work):
    layer = layer_of(work)
    x = uniform('x', (work['T'], work['B'], work['I']))
    parameters = list(layer.parameters())
    if work['loss'] == 'xent':
        head = fill(nn.Linear(work['H'], work['vocab']), work['H'] ** -0.5, 'head.')
        classes = torch.from_numpy((scrambled('classes', work['T'] * work['B']) % np.uint32(work['vocab'])).astype(np.int64))
        parameters += list(head.parameters())
        optimizer = torch.optim.Adam(parameters, lr=work['lr'])

        def loss_of():
            return nn.functional.cross_entropy(head(layer(x)[0]).flatten(0, 1), classes)
    else:
        target = uniform('target', (work['T'], work['B'], work['H']))
        optimizer = torch.optim.SGD(parameters, lr=work['lr'])

        def loss_of():
            return nn.functional.mse_loss(layer(x)[0], target)

    def run():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss.item()

    def check():
        """As `checkTraining` of ../src/library.ts: two losses, and what the first update changed."""
        before = nn.utils.parameters_to_vector(parameters).detach().double()
        first = run()
        changes = nn.utils.parameters_to_vector(parameters).detach().double() - before
        return np.concatenate([[first, run()], changes.numpy()])

    def kept():
        """Bytes that the graph holds: every storage once, without the parameters, the input and the target."""
        own = {t.untyped_storage().data_ptr() for t in [*parameters, x, *([] if work['loss'] == 'xent' else [target])]}
        saved = {}

        def save(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                saved[storage.data_ptr()] = (storage.nbytes(), tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
            loss = loss_of()
        loss.backward()
        return sum(size for size, _ in saved.values())

    return run, check, kept


def product(work):
    rows = GATES[work['cell']] * work['H']
    x = uniform('x', (work['T'] * work['B'], work['I']))
    weight = uniform('weight_ih_l0', (rows, work['I']), work['H'] ** -0.5)

    @torch.inference_mode()
    def run():
        return nn.functional.linear(x, weight).numpy()

    return run, run


def measure(call, duration, warmup):
    """As `measure` of ../src/measure.ts does it."""

    def timed(count):
        start = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - start) * 1e3

    begin, calls = time.perf_counter(), []
    while not calls or (time.perf_counter() - begin) * 1e3 < warmup:
        calls.append(timed(1))
    single = min(calls[-100:])
    group = math.ceil(GROUP / max(single, 1e-4)) if single < SHORT else 1
    least = max(1, min(LEAST, int(LONGEST / single)))
    total, samples = 0.0, []
    while total < duration or len(samples) < least:
        samples.append(timed(group))
        total += samples[-1]
    return {
        'minimum': min(samples) / group,
        'median': float(np.median(samples)) / group,
        'samples': len(samples),
        'group': group,
    }


def answer(request):
    work, kind = request['task']['workload'], request['task']['kind']
    if work.get('variant', 'by-hand') != 'by-hand':
        return {'type': 'not offered', 'message': 'a cell of one\'s own is a loop in Python'}
    run, check, *kept = {'forward': forward, 'step': step, 'train': train, 'product': product}[kind](work)
    result = base64.b64encode(np.ascontiguousarray(check(), dtype=np.float32).tobytes()).decode()
    way = measure(run, request['time'], request['warmup']) | {'result': result}
    if kept:
        way['keptBytes'] = kept[0]()
    return {'type': 'measured', 'ways': [way]}


def write(message):
    print(json.dumps(message), flush=True)


torch.set_num_threads(int(sys.argv[1]))
write({'type': 'ready', 'version': f'{torch.__version__}, {sys.argv[1]} thread(s)'})
for line in sys.stdin:
    try:
        write(answer(json.loads(line)))
    except Exception as error:  # reported, and the next request may still work
        write({'type': 'failed', 'message': repr(error)})
