/**
 * The description of a protobuf schema, out of a text that is shorter than the bytes and needs no
 * schema to be read. It is made as the protobuf library has it while it reads and writes: making it
 * by the library's own registry brings all that other schemas may say into every page.
 */
import type { DescEnum, DescField, DescFile, DescMessage, DescOneof } from '@bufbuild/protobuf';
import type { GenFile } from '@bufbuild/protobuf/codegenv2';

/** A message; lists are words between commas. */
interface MessageText {
  readonly name: string;
  /**
   * Each as `name number type`: behind the type's number `*` for a list, `+` for a packed one, `|n`
   * for one of choice n; then the name of its type.
   */
  readonly fields: string;
  readonly choices?: string;
  readonly messages?: readonly MessageText[];
  readonly enums?: readonly EnumText[];
}

interface EnumText {
  readonly name: string;
  /** Each as `name number`. */
  readonly values: string;
}

/** Types of fields that are no scalars, by their numbers in protobuf. */
const MESSAGE = 11;
const ENUM = 14;
/** Whether a field that is not set differs from one that has its default: not in a list. */
const [EXPLICIT, IMPLICIT] = [1, 2];
/** The second version of the language: its enumerations are closed, its texts are not checked. */
const PROTO2 = 998;

/** Messages and enumerations by their full names. */
interface Types {
  readonly messages: Map<string, DescMessage>;
  readonly enums: Map<string, DescEnum>;
}

/**
 * @param name - of the file
 * @param scope - the package of its messages
 * @param messages - in the file's order
 * @returns the file as generated code refers to it
 */
export function fileOf(name: string, scope: string, messages: readonly MessageText[]): GenFile {
  const file = described({
    kind: 'file',
    proto: { name, package: scope },
    name: name.replace('.proto', ''),
    edition: PROTO2,
    dependencies: [],
    enums: [],
    messages: [],
    extensions: [],
    services: [],
  }) as DescFile;
  const types: Types = { messages: new Map(), enums: new Map() };
  const pairs = messages.flatMap((text) => messagesOf(text, scope, file, undefined, types));
  // Messages may hold one another, so that fields come when all are there.
  for (const [message, text] of pairs) addFields(message, text, scope, types);
  return file;
}

/** What the library asks of a description; what it does not is left out. */
function described(parts: { readonly name: string; readonly [part: string]: unknown }): object {
  return { deprecated: false, toString: () => parts.name, ...parts };
}

/** A message without its fields, and those inside of it, each with its text. */
function messagesOf(
  text: MessageText,
  scope: string,
  file: DescFile,
  parent: DescMessage | undefined,
  types: Types,
): (readonly [DescMessage, MessageText])[] {
  const { name, messages = [], enums = [] } = text;
  const typeName = `${scope}.${name}`;
  const message = described({
    kind: 'message',
    proto: { name },
    file,
    parent,
    name,
    typeName,
    fields: [],
    field: {},
    oneofs: [],
    members: [],
    nestedEnums: enums.map((one) => enumOf(one, typeName, file, types)),
    nestedMessages: [],
    nestedExtensions: [],
  }) as DescMessage;
  types.messages.set(typeName, message);
  (parent?.nestedMessages ?? file.messages).push(message);
  return [[message, text], ...messages.flatMap((inner) => messagesOf(inner, typeName, file, message, types))];
}

function enumOf({ name, values }: EnumText, scope: string, file: DescFile, types: Types): DescEnum {
  const numbers = wordsOf(values).map((text) => text.split(' '));
  const list = numbers.map(([own, number]) => ({
    kind: 'enum_value',
    name: own,
    localName: own,
    number: Number(number),
  }));
  const value = Object.fromEntries(list.map((one) => [one.number, one]));
  const typeName = `${scope}.${name}`;
  const made = described({
    kind: 'enum',
    proto: { name },
    file,
    open: false,
    name,
    typeName,
    value,
    values: list,
  }) as DescEnum;
  types.enums.set(typeName, made);
  return made;
}

function addFields(message: DescMessage, { fields, choices = '' }: MessageText, scope: string, types: Types): void {
  const oneofs = wordsOf(choices).map(
    (name) => described({ kind: 'oneof', parent: message, fields: [], name, localName: camelCase(name) }) as DescOneof,
  );
  message.oneofs.push(...oneofs);
  for (const text of wordsOf(fields)) {
    const field = fieldOf(text, message, oneofs, scope, types);
    message.fields.push(field);
    message.field[field.localName] = field;
    const { oneof } = field;
    oneof?.fields.push(field);
    if (oneof === undefined) message.members.push(field);
    else if (oneof.fields.length === 1) message.members.push(oneof);
  }
}

function fieldOf(
  text: string,
  parent: DescMessage,
  oneofs: readonly DescOneof[],
  scope: string,
  types: Types,
): DescField {
  const [name, number, form, typeName] = text.split(' ');
  const [, code, many, choice] = /^(\d+)([*+]?)(?:\|(\d+))?$/.exec(form) as RegExpExecArray;
  const type = Number(code);
  const kind = type === MESSAGE ? 'message' : type === ENUM ? 'enum' : 'scalar';
  const isList = many !== '';
  return described({
    kind: 'field',
    fieldKind: isList ? 'list' : kind,
    listKind: isList ? kind : undefined,
    parent,
    name,
    localName: camelCase(name),
    jsonName: camelCase(name),
    number: Number(number),
    oneof: choice === undefined ? undefined : oneofs[Number(choice)],
    presence: isList ? IMPLICIT : EXPLICIT,
    packed: many === '+',
    scalar: kind === 'scalar' ? type : undefined,
    message: kind === 'message' ? types.messages.get(`${scope}.${typeName}`) : undefined,
    enum: kind === 'enum' ? types.enums.get(`${scope}.${typeName}`) : undefined,
    delimitedEncoding: false,
    utf8Validation: false,
    longAsString: false,
    getDefaultValue: () => undefined,
  }) as DescField;
}

function camelCase(name: string): string {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function wordsOf(text: string): string[] {
  return text === '' ? [] : text.split(',');
}
