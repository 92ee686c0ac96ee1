/**
 * Checks which state goes where: whether what comes out of a call goes into the next one, and into
 * its own place.
 */
import type { OnnxModel } from '../../onnx/decode-model.js';
import { infoOf, outputInfoOf } from '../../onnx/read-onnx.js';
import { contractOf, STATE_KEY, type Link } from './contract.js';
import type { Findings } from './finding.js';
import { titleOf } from './onnx-rules.js';
import { stateRoles, type Role, type StateRoles } from './state-roles.js';

/**
 * @returns the links by which the model can be continued: those of the contract, or without one
 *   those that the graph shows
 */
export function checkStates(model: OnnxModel, findings: Findings): readonly Link[] {
  const roles = stateRoles(model.graph);
  const contract = contractOf(model);
  const isBroken = contract === undefined && model.metadataProps.some(({ key }) => key === STATE_KEY);
  if (isBroken) findings.wrong('state', undefined, `the metadata '${STATE_KEY}' is no list of { input, output }`);
  const links = contract ?? linksOf(model, roles);
  const weights = new Set(model.graph.initializer.map(({ name }) => name));
  const inputs = new Map(
    model.graph.input.filter(({ name }) => !weights.has(name)).map((info) => [info.name, infoOf(info)]),
  );
  const outputs = new Map(model.graph.output.map((info) => [info.name, outputInfoOf(info)]));
  for (const link of links) {
    const [input, output] = [inputs.get(link.input), outputs.get(link.output)];
    const where = `${link.output} -> ${link.input}`;
    if (input === undefined || output === undefined) {
      const [kind, name] = input === undefined ? ['input', link.input] : ['output', link.output];
      findings.wrong('state', where, `there is no ${kind} '${name}'`);
      continue;
    }
    const isFit =
      output.shape.length === 0 ||
      (input.dtype === output.dtype &&
        input.shape.length === output.shape.length &&
        input.shape.every((size, i) => size === output.shape[i] || typeof (output.shape[i] ?? '') === 'string'));
    if (!isFit) {
      const form = (info: typeof input): string => `${info.dtype} [${info.shape.join(', ')}]`;
      findings.wrong('state', where, `the output is ${form(output)}, the input ${form(input)}`);
    } else if (!checkLink(link, links, roles, where, findings)) continue;
    else findings.keep('state', where, `[${input.shape.join(', ')}], handed on from call to call`);
  }
  checkHandedOn(inputs, links, contract !== undefined, roles, findings);
  return links.filter((link) => inputs.has(link.input) && outputs.has(link.output));
}

/** Without a contract: each state input with the output that holds the same states. */
function linksOf(model: OnnxModel, roles: StateRoles): Link[] {
  return [...roles.inputs].flatMap(([input, own]) => {
    const output = model.graph.output.find(({ name }) => isSame(roles.outputs.get(name), own));
    return output === undefined ? [] : [{ input, output: output.name, initial: 0 }];
  });
}

/** Whether an output that is handed on holds what its input is. */
function checkLink(
  { input, output }: Link,
  links: readonly Link[],
  roles: StateRoles,
  where: string,
  findings: Findings,
): boolean {
  const copied = roles.copies.get(output);
  if (copied !== undefined) {
    const of = copied === input ? 'it' : `'${copied}'`;
    findings.wrong(
      'state',
      where,
      `a stale state: the output is ${of} unchanged, so every call begins where the first did`,
    );
    return false;
  }
  if (links.some((other) => other.output === output && other.input !== input)) {
    findings.wrong('state', where, 'the same output is handed to two inputs, so one of them gets a wrong state');
    return false;
  }
  const [wanted, given] = [roles.inputs.get(input), roles.outputs.get(output)];
  if (wanted !== undefined && given !== undefined && given.size > 0 && !shares(wanted, given)) {
    findings.wrong(
      'state',
      where,
      `swapped: '${input}' is ${described(wanted, roles)}, and '${output}' is ${described(given, roles)}`,
    );
    return false;
  }
  const names = [letterOf(input), letterOf(output)];
  const inside = [wanted, given].map((each) =>
    each === undefined || each.size === 0 ? undefined : letter(each, roles),
  );
  const isSwapped = names.some((name, i) => name !== undefined && inside[i] !== undefined && name !== inside[i]);
  const isMixed = names[0] !== undefined && names[1] !== undefined && names[0] !== names[1];
  if (isSwapped || isMixed) {
    const meant = (name: string, i: number): string =>
      inside[i] === undefined ? `'${name}'` : `'${name}', which is ${inside[i]} of the node`;
    findings.wrong(
      'state',
      where,
      `swapped h and c: ${[input, output].map(meant).join(' and ')}; their names say otherwise`,
    );
    return false;
  }
  return true;
}

/** States that go in and do not come out, or come out and do not go in again. */
function checkHandedOn(
  inputs: ReadonlyMap<string, unknown>,
  links: readonly Link[],
  isDeclared: boolean,
  roles: StateRoles,
  findings: Findings,
): void {
  for (const [input, own] of roles.inputs) {
    if (!inputs.has(input) || links.some((link) => link.input === input)) continue;
    const holder = [...roles.outputs].find(([, held]) => shares(held, own))?.[0];
    const why =
      holder === undefined
        ? 'no output holds it after the call, so it cannot be handed on'
        : `the contract does not say that '${holder}' is its next value`;
    findings.wrong('state', input, `a stale state: it is ${described(own, roles)}, and ${why}`);
  }
  for (const [output, held] of roles.outputs) {
    if (held.size === 0 || links.some((link) => link.output === output)) continue;
    const isTaken = [...roles.inputs].some(([input, own]) => inputs.has(input) && shares(own, held));
    if (isTaken && !isDeclared) continue;
    if (isTaken)
      findings.wrong('state', output, `a stale state: it is ${described(held, roles)}, and goes into no input`);
    else {
      findings.change(
        'state',
        output,
        `a stale state if it is meant to go on: it is ${described(held, roles)}, and no input takes it, so every call begins anew`,
      );
    }
  }
}

function described(own: ReadonlySet<Role>, roles: StateRoles): string {
  const [first] = own;
  const name = roles.nameOf(first);
  const which = name === 'h' || name === 'c' ? name : `state ${name}`;
  return `${which} of ${titleOf(roles.nodeOf(first))}${own.size > 1 ? ` and ${own.size - 1} more` : ''}`;
}

/** `h` or `c`, where all states of a name are the same. */
function letter(own: ReadonlySet<Role>, roles: StateRoles): string | undefined {
  const names = new Set([...own].map(roles.nameOf));
  const [first] = names;
  return names.size === 1 && (first === 'h' || first === 'c') ? first : undefined;
}

/** What a name says that it is: `h0`, `hn`, `h_in`, `state_c`, `cell_state` ... */
function letterOf(name: string): string | undefined {
  const words = name.toLowerCase().split(/[^a-z]+/);
  const says = (letterOfState: string, long: string): boolean =>
    words.some((word) => new RegExp(`^(${letterOfState}(n|x|in|out|prev|next)?|${long})$`).test(word));
  const [h, c] = [says('h', 'hidden'), says('c', 'cell')];
  return h === c ? undefined : h ? 'h' : 'c';
}

function shares(a: ReadonlySet<Role>, b: ReadonlySet<Role>): boolean {
  return [...a].some((role) => b.has(role));
}

function isSame(a: ReadonlySet<Role> | undefined, b: ReadonlySet<Role>): boolean {
  return a !== undefined && a.size === b.size && [...a].every((role) => b.has(role));
}
