import type { ElementType } from '../safetensors/element-types.js';
import { Global, refuse, type Meanings } from './pickle.js';

/** Numbers that a file keeps outside of its pickle; several tensors may be views of them. */
export interface Storage {
  readonly key: string;
  /** Undefined for bytes without a type of their own. */
  readonly type: ElementType | 'C128' | undefined;
  /** Elements, or bytes where there is no type. */
  readonly size: number;
}

/** A file's value, and the bytes of its storages. */
export interface OpenFile {
  readonly value: unknown;
  readonly numbersOf: (storage: Storage, bytes: number) => Uint8Array;
}

/** A view of a storage, in elements. */
export class PickledTensor {
  readonly storage: Storage;
  readonly type: ElementType | 'C128';
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(
    storage: Storage,
    type: ElementType | 'C128',
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    this.storage = storage;
    this.type = type;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** PyTorch's classes of storages, each with the type of its elements. */
const storageTypes: Readonly<Record<string, ElementType | 'C128' | undefined>> = {
  'torch.FloatStorage': 'F32',
  'torch.DoubleStorage': 'F64',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
  'torch.ComplexFloatStorage': 'C64',
  'torch.ComplexDoubleStorage': 'C128',
  'torch.storage.UntypedStorage': undefined,
};

const elementTypes: Readonly<Record<string, ElementType | 'C128'>> = {
  'torch.float32': 'F32',
  'torch.float64': 'F64',
  'torch.float16': 'F16',
  'torch.bfloat16': 'BF16',
  'torch.float8_e4m3fn': 'F8_E4M3',
  'torch.float8_e5m2': 'F8_E5M2',
  'torch.float8_e4m3fnuz': 'F8_E4M3FNUZ',
  'torch.float8_e5m2fnuz': 'F8_E5M2FNUZ',
  'torch.float8_e8m0fnu': 'F8_E8M0',
  'torch.int64': 'I64',
  'torch.int32': 'I32',
  'torch.int16': 'I16',
  'torch.int8': 'I8',
  'torch.uint8': 'U8',
  'torch.uint16': 'U16',
  'torch.uint32': 'U32',
  'torch.uint64': 'U64',
  'torch.bool': 'BOOL',
  'torch.complex64': 'C64',
  'torch.complex128': 'C128',
};

/** PyTorch's name of a type of elements. */
export function typeName(type: ElementType | 'C128'): string {
  const found = Object.keys(elementTypes).find((name) => elementTypes[name] === type);
  return found?.slice('torch.'.length) ?? type;
}

/** What the names in a file of PyTorch mean. Whatever is not here is refused by its name. */
export const meanings: Meanings = {
  call(name, args) {
    switch (name) {
      case 'collections.OrderedDict':
        return orderedDict(args);
      case 'builtins.set':
      case '__builtin__.set':
        if (!Array.isArray(args[0])) return refuse('a set is made of what is no list');
        return new Set(args[0] as unknown[]);
      case 'torch._utils._rebuild_tensor':
      case 'torch._utils._rebuild_tensor_v2':
        return tensor(args);
      case 'torch._utils._rebuild_tensor_v3':
        return tensor(args, elementTypeOf(args[6]));
      case 'torch._utils._rebuild_parameter':
        if (!(args[0] instanceof PickledTensor)) return refuse('a parameter is no tensor');
        return args[0];
      case 'torch.Size':
        return args[0];
      case 'torch.device':
        if (!args.every((arg) => typeof arg === 'string' || typeof arg === 'number'))
          return refuse('a device has no name');
        return args.join(':');
      case '_codecs.encode':
        return latin1(args[0]);
      default:
        return refuse(
          `it holds an object of '${name}', expected tensors, dicts, lists, numbers and texts; save a state dict: torch.save(model.state_dict(), path)`,
        );
    }
  },
  persistent(id) {
    const [kind, type, key, , size] = Array.isArray(id) ? (id as unknown[]) : [];
    if (kind !== 'storage' || !(type instanceof Global) || typeof key !== 'string' || !isSize(size))
      return refuse('a storage is not described as one');
    if (!Object.hasOwn(storageTypes, type.name))
      return refuse(`it has a storage of '${type.name}', which is not known`);
    return { key, type: storageTypes[type.name], size } satisfies Storage;
  },
};

/** A type's name as a value, as a checkpoint may hold one. */
export function nameOf({ name }: Global): string {
  if (!Object.hasOwn(elementTypes, name)) refuse(`it refers to '${name}', which is not data`);
  return name;
}

function elementTypeOf(value: unknown): ElementType | 'C128' {
  const name = value instanceof Global ? value.name : 'what is no type';
  if (!Object.hasOwn(elementTypes, name)) refuse(`it has a tensor of '${name}', which is not known`);
  return elementTypes[name];
}

function orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    refuse('an OrderedDict is made of what is no list of pairs');
  }
  return new Map(pairs as [unknown, unknown][]);
}

function tensor(args: readonly unknown[], dtype?: ElementType | 'C128'): PickledTensor {
  const [storage, offset, shape, strides] = args as [Partial<Storage> | null, unknown, unknown, unknown];
  if (typeof storage !== 'object' || typeof storage?.key !== 'string') refuse('a tensor is no view of a storage');
  if (!isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length || shape.length > 64) {
    refuse('a tensor has an offset, a shape or strides that are no whole numbers from 0 up');
  }
  const type = dtype ?? storage.type;
  if (type === undefined) refuse('a tensor has no type');
  return new PickledTensor(storage as Storage, type, offset, shape, strides);
}

/** How Python writes bytes where it has no instruction for them. */
function latin1(text: unknown): Uint8Array {
  if (typeof text !== 'string') refuse('bytes are made of what is no text');
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}
