/** What a graphics card did, and the report of it as text. */

/** An LSTM layer: rows of the batch, features, hidden units, time steps. */
export interface LayerSize {
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly T: number;
}

/** From a few rows and units to as much as a tensor holds. */
export const layerSizes: readonly LayerSize[] = [
  { B: 1, I: 64, H: 64, T: 100 },
  { B: 32, I: 64, H: 128, T: 100 },
  { B: 64, I: 256, H: 512, T: 50 },
  { B: 64, I: 1024, H: 1024, T: 32 },
  { B: 256, I: 256, H: 1024, T: 16 },
];

/** Sides of square matrices. */
export const productSizes: readonly number[] = [64, 128, 256, 512, 1024, 2048];

/**
 * Milliseconds of a layer: to its last output, and of a training step to its loss, which are read.
 */
export interface LayerTimes {
  readonly forward: number;
  readonly train: number;
}

/**
 * Milliseconds, as the best of several runs. `undefined` where it was not tried or did not work.
 */
export interface Speed {
  readonly name: string;
  /** Of one product of each size of `productSizes`, many in a row. */
  readonly products: readonly (number | undefined)[];
  /** For each of `layerSizes`. */
  readonly layers: readonly (LayerTimes | undefined)[];
}

/** One mode of the card. */
export interface CardMode extends Speed {
  readonly device: string;
  readonly suite: {
    readonly passed: number;
    readonly failed: number;
    readonly skipped: number;
    /** The report of the suite. */
    readonly text: string;
  };
  /** Of a kernel on 1024 numbers, many in a row. */
  readonly launch: number;
  /** Of a read of one number, the kernel before it included. */
  readonly read: number;
  /** From the host to the card and back, of 2^20 numbers. */
  readonly up: number;
  readonly down: number;
}

/** All of it. */
export interface CardReport {
  readonly browser: string;
  readonly cores: number;
  readonly modes: readonly CardMode[];
  /** Modes that do not run, and why. */
  readonly missing: readonly string[];
  readonly processor: readonly Speed[];
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;

/** The report for people. */
export function cardText({ browser, cores, modes, missing, processor }: CardReport): string {
  const all = [...modes, ...processor];
  const names = all.map(({ name }) => name);
  const lines = [browser, `${cores} cores`, ...missing, ''];
  for (const { name, device, suite, launch, read, up, down } of modes) {
    lines.push(
      `${name}: ${device}`,
      `  suite: ${suite.passed} passed, ${suite.failed} failed, ${suite.skipped} skipped`,
      `  a launch ${digits(launch * 1000)} us; one number read ${digits(read)} ms; 4 MB up ${digits(up)} ms, down ${digits(down)} ms`,
      ...(suite.failed > 0 ? ['', suite.text] : []),
      ...(SOFTWARE.test(device) ? ['  a program on the processor: its times say nothing about a card'] : []),
      '',
    );
  }
  const cell = (ms: number | undefined): string => (ms === undefined ? '-' : digits(ms));
  lines.push(
    'LSTM, ms forward / a training step',
    ...grid([
      ['', ...names],
      ...layerSizes.map(({ B, I, H, T }, i) => [
        `B=${B} I=${I} H=${H} T=${T}`,
        ...all.map(({ layers }) => `${cell(layers[i]?.forward)} / ${cell(layers[i]?.train)}`),
      ]),
    ]),
    '',
    'product of square matrices, GFLOP/s',
    ...grid([
      ['', ...names],
      ...productSizes.map((size, i) => [
        String(size),
        ...all.map(({ products }) => {
          const ms = products[i];
          return ms === undefined ? '-' : digits((2 * size ** 3) / ms / 1e6);
        }),
      ]),
    ]),
  );
  return lines.join('\n');
}

/** Columns: the first one to the left, the others to the right. */
function grid(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i] + 2))).join(''),
  );
}

/** Three digits. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
