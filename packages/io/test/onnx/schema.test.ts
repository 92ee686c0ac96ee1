/** The description of ONNX's messages says what onnx.proto says. */
import { readFileSync } from 'node:fs';
import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { file_onnx } from '../../src/onnx/schema.generated.js';

/**
 * Fields of a message's text, without messages in it: `label type name = number [packed = true]`.
 */
const field = /^ *(optional|repeated)? *([\w.]+) (\w+) = (\d+) *(\[packed = true\])?;/gm;

/** Texts of messages by name, those of messages inside cut out. */
function messagesOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let rest = text.replaceAll(/\/\/.*$/gm, '').replaceAll(/^ *reserved .*$/gm, '');
  // From the innermost outwards.
  const inner = /\b(message|enum|oneof) (\w+) \{([^{}]*)\}/;
  for (let match = inner.exec(rest); match !== null; match = inner.exec(rest)) {
    const [all, kind, name, body] = match;
    if (kind === 'message') found.set(name, (found.get(name) ?? '') + body);
    rest = rest.replace(all, () => (kind === 'oneof' ? body : ''));
  }
  return found;
}

function typeOf({ fieldKind, ...rest }: DescField): string {
  const { scalar, message, enum: kind } = rest;
  if (scalar !== undefined) return ScalarType[scalar].toLowerCase();
  return (message ?? kind)?.name ?? fieldKind;
}

function all(messages: readonly DescMessage[]): DescMessage[] {
  return messages.flatMap((message) => [message, ...all(message.nestedMessages)]);
}

test('every field has the type, the number and the packing of onnx.proto', () => {
  const texts = messagesOf(readFileSync(new URL('../../schema/onnx.proto', import.meta.url), 'utf8'));
  const messages = all(file_onnx.messages);
  expect(messages.length).toBeGreaterThan(10);
  for (const message of messages) {
    const said = new Map(
      [...(texts.get(message.name) ?? '').matchAll(field)].map(([, label, type, name, number, packed]) => [
        name,
        [type.split('.').at(-1), number, label === 'repeated', packed !== undefined].join(' '),
      ]),
    );
    expect(message.fields.length).toBeGreaterThan(0);
    for (const one of message.fields) {
      const own = [typeOf(one), one.number, one.fieldKind === 'list', one.fieldKind === 'list' && one.packed].join(' ');
      expect(`${message.name}.${one.name}: ${own}`).toBe(`${message.name}.${one.name}: ${said.get(one.name)}`);
    }
  }
});
