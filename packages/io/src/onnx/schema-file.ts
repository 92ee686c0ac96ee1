/**
 * The description of a protobuf schema, out of a text that is shorter than the bytes and needs no
 * schema to be read.
 */
import { createFileRegistry } from '@bufbuild/protobuf';
import type { GenFile } from '@bufbuild/protobuf/codegenv2';
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';

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

/*
 * The messages of a description are plain objects here: their enumerations cannot be named without
 * the code that is to stay out of a page.
 */

/**
 * What a field is unless it says otherwise: set is what a message has itself, the rest shines
 * through from here.
 */
const field: object = {
  $typeName: 'google.protobuf.FieldDescriptorProto',
  name: '',
  number: 0,
  label: 1,
  type: 1,
  typeName: '',
  extendee: '',
  defaultValue: '',
  oneofIndex: 0,
  jsonName: '',
  proto3Optional: false,
};
const REPEATED = 3;

/** Every message of a description has these, of which a schema for models needs none. */
const none = {
  extension: [],
  extensionRange: [],
  reservedRange: [],
  reservedName: [],
  visibility: 0,
};

/**
 * @param name - of the file
 * @param scope - the package of its messages
 * @param messages - in the file's order
 * @returns the file as generated code refers to it
 */
export function fileOf(name: string, scope: string, messages: readonly MessageText[]): GenFile {
  const file: object = {
    $typeName: 'google.protobuf.FileDescriptorProto',
    name,
    package: scope,
    syntax: 'proto2',
    edition: 0,
    dependency: [],
    publicDependency: [],
    weakDependency: [],
    optionDependency: [],
    messageType: messages.map((text) => messageOf(text, scope)),
    enumType: [],
    service: [],
    extension: [],
  };
  return createFileRegistry(file as FileDescriptorProto, () => undefined).getFile(name) as GenFile;
}

function messageOf({ name, fields, choices = '', messages = [], enums = [] }: MessageText, scope: string): object {
  return {
    $typeName: 'google.protobuf.DescriptorProto',
    ...none,
    name,
    field: wordsOf(fields).map((text) => fieldOf(text, scope)),
    nestedType: messages.map((text) => messageOf(text, scope)),
    enumType: enums.map(enumOf),
    oneofDecl: wordsOf(choices).map((choice) => ({ $typeName: 'google.protobuf.OneofDescriptorProto', name: choice })),
  };
}

function fieldOf(text: string, scope: string): object {
  const [name, number, kind, typeName] = text.split(' ');
  const [, type, many, choice] = /^(\d+)([*+]?)(?:\|(\d+))?$/.exec(kind) as RegExpExecArray;
  const own = {
    name,
    number: Number(number),
    type: Number(type),
    jsonName: name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    ...(many !== '' && { label: REPEATED }),
    ...(many === '+' && { options: { packed: true } }),
    ...(choice !== undefined && { oneofIndex: Number(choice) }),
    ...(typeName !== undefined && { typeName: `.${scope}.${typeName}` }),
  };
  return Object.assign(Object.create(field) as object, own);
}

function enumOf({ name, values }: EnumText): object {
  return {
    $typeName: 'google.protobuf.EnumDescriptorProto',
    ...none,
    name,
    value: wordsOf(values).map((text) => {
      const [own, number] = text.split(' ');
      return { $typeName: 'google.protobuf.EnumValueDescriptorProto', name: own, number: Number(number) };
    }),
  };
}

function wordsOf(text: string): string[] {
  return text === '' ? [] : text.split(',');
}
