import { FormatError } from '@rnn/core';
import { decodeSafetensors, type HostTensor } from '@rnn/io';
import { Config } from './config.js';

/**
 * One reference case: what goes in, how to compute, what must come out. Notes what was used, so
 * that nothing is passed over.
 */
export class ReferenceFile {
  readonly group: string;
  readonly config: Config;
  private readonly tensors: Readonly<Record<string, HostTensor>>;
  private readonly used = new Set<string>();

  /** @throws FormatError when the bytes are not a case */
  constructor(bytes: Uint8Array) {
    const { metadata, tensors } = decodeSafetensors(bytes);
    const { group, config } = metadata;
    if (group === undefined || config === undefined) {
      throw new FormatError("reference case: the metadata lacks 'group' or 'config'");
    }
    this.group = group;
    this.config = new Config(config);
    this.tensors = tensors;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.tensors, name);
  }

  /** A tensor that the case needs. */
  tensor(name: string): HostTensor {
    if (!this.has(name)) throw new FormatError(`reference case: tensor '${name}' is missing`);
    this.used.add(name);
    return this.tensors[name];
  }

  /**
   * The names of all tensors that begin with a prefix, without it, in the order of the alphabet.
   */
  names(prefix: string): string[] {
    return Object.keys(this.tensors)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .sort();
  }

  /**
   * The names of all tensors that go in: neither results, nor gradients, nor weights of the loss.
   */
  inputs(): string[] {
    return this.names('').filter((name) => !/^(out|grad|loss_weight)(\.|$)/.test(name));
  }

  /** The names of the results and gradients to compare. */
  expected(): string[] {
    return this.names('').filter((name) => /^(out|grad)(\.|$)/.test(name));
  }

  /**
   * Refuses a case of which something was not used: it asks for something that is not understood.
   */
  checkUsed(): void {
    this.config.checkUsed();
    const unused = Object.keys(this.tensors).filter((name) => !this.used.has(name));
    if (unused.length > 0) {
      throw new FormatError(
        `reference case: nothing is known to do with tensor ${unused.map((n) => `'${n}'`).join(', ')}`,
      );
    }
  }
}
