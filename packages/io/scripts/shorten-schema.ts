/**
 * Writes the description of onnx.proto in schema.generated.ts as text for `fileOf`. As bytes, which
 * is what the generator writes, it would need the description of descriptions to be read: more code
 * in a page than all operators of recurrent models.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import {
  FieldDescriptorProto_Label as Label,
  FileDescriptorProtoSchema,
  type DescriptorProto,
  type FieldDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { readFileSync, writeFileSync } from 'node:fs';

const target = new URL('../src/onnx/schema.generated.ts', import.meta.url);
const source = readFileSync(target, 'utf8');
const call = /fileDesc\("([^"]+)"\)/;
const bytes = call.exec(source)?.[1];
if (bytes === undefined) throw new Error('the generator writes its description in another way');
const file = fromBinary(FileDescriptorProtoSchema, base64Decode(bytes));

/** A field as `name number type`, with what it repeats, packs, refers to, or is a choice of. */
function fieldOf(field: FieldDescriptorProto): string {
  const { name, number, type, label, options, typeName, defaultValue } = field;
  if (defaultValue !== '' || label === Label.REQUIRED)
    throw new Error(`${name}: defaults and required fields have no form`);
  const many = label === Label.REPEATED ? (options?.packed === true ? '+' : '*') : '';
  const choice = Object.hasOwn(field, 'oneofIndex') ? `|${field.oneofIndex}` : '';
  return `${name} ${number} ${type}${many}${choice}${typeName.replace(/^\.onnx\./, ' ')}`;
}

function messageOf({ name, field, nestedType, enumType, oneofDecl }: DescriptorProto): object {
  return {
    name,
    fields: field.map(fieldOf).join(),
    ...(oneofDecl.length > 0 && { choices: oneofDecl.map((choice) => choice.name).join() }),
    ...(nestedType.length > 0 && { messages: nestedType.map(messageOf) }),
    ...(enumType.length > 0 && {
      enums: enumType.map((kind) => ({
        name: kind.name,
        values: kind.value.map((value) => `${value.name} ${value.number}`).join(),
      })),
    }),
  };
}

const described = JSON.stringify(file.messageType.map(messageOf), undefined, 2);
const text = source
  .replace(call, `fileOf('${file.name}', '${file.package}', ${described})`)
  .replace('import { enumDesc, fileDesc, messageDesc }', 'import { enumDesc, messageDesc }')
  .replace(/(import type \{ Message \}[^\n]*\n)/, `$1import { fileOf } from './schema-file.js';\n`);
writeFileSync(target, text);
