/**
 * An exported module in Chromium: served beside a page, inside a page that is a file, and in an
 * AudioWorklet.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, noGrad, setBackend, tensor, type Tensor } from '@rnn/core';
import { GRU, Linear, Module } from '@rnn/nn';
import { exportModule } from '../../src/index.js';
import { inFolder } from './exported.js';

setBackend(await cpu());
manualSeed(2);

/** A filter of one channel, as an amplifier is modelled. */
class Amplifier extends Module {
  readonly rnn = new GRU(1, 12);
  readonly head = new Linear(12, 1);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.rnn.forward(x)[0]).add(x);
  }
}

/** Ten blocks of an AudioWorklet. */
const SAMPLES = 1280;
const sound = Float32Array.from({ length: SAMPLES }, (_, t) => Math.fround(Math.sin(t / 9) * Math.cos(t / 200)));
const model = new Amplifier();
const expected = noGrad(() => model.forward(tensor(sound).reshape([SAMPLES, 1, 1]))).dataSync();
const { code } = exportModule(model, [tensor([[[0.5]], [[1]]])]);

/** Steps through a sound, in the page. */
const inPage = `
  const { step, initialState, engine } = model;
  const state = initialState();
  const sound = Float32Array.from({ length: ${SAMPLES} }, (_, t) => Math.fround(Math.sin(t / 9) * Math.cos(t / 200)));
  document.body.dataset.result = JSON.stringify([engine, Array.from(sound, (x) => step(x, state)[0])]);`;

const processor = `import { step, initialState, engine } from './model.mjs';
  class Amplifier extends AudioWorkletProcessor {
    constructor() {
      super();
      this.state = initialState();
      this.port.postMessage([engine, typeof self, typeof fetch, typeof atob]);
    }
    process([[input]], [[output]]) {
      for (let i = 0; i < input.length; i++) output[i] = step(input[i], this.state)[0];
      return true;
    }
  }
  registerProcessor('amplifier', Amplifier);`;

const worklet = `
  const context = new OfflineAudioContext(1, ${SAMPLES}, 16000);
  await context.audioWorklet.addModule('./processor.mjs');
  const buffer = context.createBuffer(1, ${SAMPLES}, 16000);
  buffer.getChannelData(0).set(Float32Array.from({ length: ${SAMPLES} }, (_, t) => Math.sin(t / 9) * Math.cos(t / 200)));
  const source = new AudioBufferSourceNode(context, { buffer });
  const node = new AudioWorkletNode(context, 'amplifier');
  const told = new Promise((resolve) => (node.port.onmessage = ({ data }) => resolve(data)));
  source.connect(node).connect(context.destination);
  source.start();
  const rendered = await context.startRendering();
  const [engine] = await told;
  document.body.dataset.result = JSON.stringify([engine, Array.from(rendered.getChannelData(0))]);`;

const page = (script: string): string => `<!doctype html><body><script type="module">${script}</script></body>`;
const files: Readonly<Record<string, string>> = {
  '/page.html': page(`import * as model from './model.mjs';${inPage}`),
  '/file.html': `<!doctype html><body><script type="module" src="./main.mjs"></script></body>`,
  '/main.mjs': `import * as model from './model.mjs';${inPage}`,
  '/worklet.html': page(worklet),
  '/model.mjs': code,
  '/processor.mjs': processor,
};

let browser: Browser;
let server: Server;
let address: string;

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    const { pathname, search } = new URL(url, 'http://localhost');
    const text = files[pathname];
    response.writeHead(text === undefined ? 404 : 200, {
      'Content-Type': pathname.endsWith('.html') ? 'text/html' : 'text/javascript',
      ...(search === '?strict' ? { 'Content-Security-Policy': "default-src 'none'; script-src 'self'" } : {}),
    });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  address = `http://localhost:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium' });
});

afterAll(async () => {
  await browser.close();
  server.close();
});

/**
 * What a page computed; the errors of a page that computed nothing.
 *
 * @param first - a script that runs before those of the page
 */
async function visit(url: string, first = ''): Promise<[engine: string, output: number[]]> {
  const tab: Page = await browser.newPage();
  await tab.addInitScript(first);
  const errors: string[] = [];
  tab.on('pageerror', (error) => errors.push(error.message));
  try {
    await tab.goto(url);
    const body = tab.locator('body[data-result]');
    await body.waitFor({ state: 'attached', timeout: 120_000 }).catch((error: Error) => {
      throw new Error(`${error.message}\n${errors.join('\n')}`);
    });
    return JSON.parse((await body.getAttribute('data-result')) ?? '') as [string, number[]];
  } finally {
    await tab.close();
  }
}

function expectSound(output: readonly number[]): void {
  expect(output).toHaveLength(SAMPLES);
  const distances = output.map((value, t) => Math.abs(value - expected[t]));
  expect(Math.max(...distances)).toBeLessThanOrEqual(1e-6);
}

test('beside a page', async () => {
  const [engine, output] = await visit(`${address}/page.html`);
  expect(engine).toBe('wasm');
  expectSound(output);
});

/** On a page's main thread Chromium compiled no more than 4 kB at once before version 114. */
const limited = `
  const { Module } = WebAssembly;
  WebAssembly.Module = function (bytes) {
    if (bytes.byteLength > 4096)
      throw new RangeError('WebAssembly.Compile is disallowed on the main thread, if the buffer size is larger than 4KB.');
    return new Module(bytes);
  };`;

test('beside a page whose browser compiles little at once', async () => {
  const [engine, output] = await visit(`${address}/page.html`, limited);
  expect(engine).toBe('wasm');
  expectSound(output);
});

test('beside a page that forbids code which is made', async () => {
  const [engine, output] = await visit(`${address}/file.html?strict`);
  expect(engine).toBe('js');
  expectSound(output);
});

test('inside a page that is a file', async () => {
  // A file may not import another one, so the module stands in the page as it is.
  await inFolder(async (folder) => {
    const file = join(folder, 'page.html');
    writeFileSync(file, page(`${code};const model = { step, initialState, engine };{${inPage}}`));
    expect(readFileSync(file, 'utf8')).not.toContain('import');
    const [engine, output] = await visit(pathToFileURL(file).href);
    expect(engine).toBe('wasm');
    expectSound(output);
  });
});

test('from text that a file holds, by a blob', async () => {
  const script = `
    const text = ${JSON.stringify(code).replaceAll('<', '\\u003c')};
    const model = await import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));${inPage}`;
  await inFolder(async (folder) => {
    const file = join(folder, 'page.html');
    writeFileSync(file, page(script));
    expectSound((await visit(pathToFileURL(file).href))[1]);
  });
});

test('in an AudioWorklet', async () => {
  const [engine, output] = await visit(`${address}/worklet.html`);
  expect(engine).toBe('wasm');
  expectSound(output);
});
