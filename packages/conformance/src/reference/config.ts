import { FormatError } from '@rnn/core';

/** The options of a reference case, as PyTorch names them. Notes which were read. */
export class Config {
  private readonly values: ReadonlyMap<string, unknown>;
  private readonly used = new Set<string>();

  /** @throws FormatError when the text is not a JSON object */
  constructor(json: string) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(json);
    } catch (cause) {
      throw new FormatError("reference case: the metadata 'config' is not JSON", { cause });
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      throw new FormatError("reference case: the metadata 'config' is not a JSON object");
    }
    this.values = new Map(Object.entries(parsed));
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  /** A text. */
  text(key: string, fallback?: string): string {
    return this.typed(key, fallback, 'a text', (value) => typeof value === 'string');
  }

  /** One of some texts. */
  choice<const T extends string>(key: string, choices: readonly T[], fallback: NoInfer<T>): T {
    const found = choices.find((choice) => choice === this.text(key, fallback));
    return found ?? refuse(key, `one of ${choices.join(', ')}`, this.values.get(key));
  }

  number(key: string, fallback?: number): number {
    return this.typed(key, fallback, 'a number', (value) => typeof value === 'number');
  }

  flag(key: string, fallback: boolean): boolean {
    return this.typed(key, fallback, 'true or false', (value) => typeof value === 'boolean');
  }

  /** A list of numbers; `undefined` where the key is absent or null. */
  numbers(key: string): readonly number[] | undefined {
    const value = this.take(key);
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'number'))
      refuse(key, 'a list of numbers', value);
    return value as number[];
  }

  /** A number; `undefined` where the key is absent or null. */
  optionalNumber(key: string): number | undefined {
    const value = this.take(key);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number') refuse(key, 'a number', value);
    return value;
  }

  /**
   * Everything that was not read yet, under names in camelCase: options that go to a constructor as
   * they are.
   */
  rest(): Record<string, unknown> {
    const entries = [...this.values].filter(([key]) => !this.used.has(key));
    return Object.fromEntries(
      entries.map(([key]) => {
        const camel = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
        return [camel[0].toLowerCase() + camel.slice(1), this.take(key)];
      }),
    );
  }

  /** Refuses options that nobody read. */
  checkUsed(): void {
    const unused = [...this.values.keys()].filter((key) => !this.used.has(key));
    if (unused.length > 0) {
      throw new FormatError(`reference case: unknown option ${unused.map((key) => `'${key}'`).join(', ')} in config`);
    }
  }

  private take(key: string): unknown {
    this.used.add(key);
    return this.values.get(key);
  }

  private typed<T>(key: string, fallback: T | undefined, expected: string, holds: (value: unknown) => boolean): T {
    const value = this.take(key) ?? fallback;
    if (value === undefined) throw new FormatError(`reference case: config lacks '${key}'`);
    if (!holds(value)) refuse(key, expected, value);
    return value as T;
  }
}

function refuse(key: string, expected: string, value: unknown): never {
  throw new FormatError(`reference case: option '${key}' is ${JSON.stringify(value)}, expected ${expected}`, {
    argument: key,
    expected,
  });
}
