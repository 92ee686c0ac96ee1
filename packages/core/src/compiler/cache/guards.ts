/**
 * What a step can see of the object that it is given as parameters: a picture of its fields, deep,
 * by which the object is told to be as it was. Plain objects and lists are compared by what is in
 * them. Anything else with fields, such as a module, must be the same object and have the same
 * fields. Tensors are places for tensors: others of the same form may come there next time.
 */
import { Generator } from '../../random.js';
import { scope } from '../../scope.js';
import { Tensor } from '../../tensor.js';

/** A value as it was: a field's content. */
type FieldGuards =
  | { readonly kind: 'tensor' }
  /** A number, a text, a function, a generator: the same thing again. */
  | { readonly kind: 'same'; readonly value: unknown }
  | {
      readonly kind: 'fields';
      /**
       * The object itself, where its class may hide more than its fields, or where it comes in
       * several places.
       */
      readonly identity: WeakRef<object> | undefined;
      readonly prototype: unknown;
      /** Whether it is a prototype, whose accessors are for the objects that inherit them. */
      readonly isInherited: boolean;
      /** Where the object inherits more than methods. */
      readonly inherited: FieldGuards | undefined;
      readonly names: readonly PropertyKey[];
      readonly pictures: readonly FieldGuards[];
      /** What accessors of its class give, so far as these are numbers, flags and texts. */
      readonly accessors: readonly Given[];
    };

/** What an accessor gave. */
interface Given {
  readonly name: PropertyKey;
  readonly value: unknown;
}

/** The picture of an object while it is taken. */
interface Walked extends Extract<FieldGuards, { kind: 'fields' }> {
  identity: WeakRef<object> | undefined;
  inherited: FieldGuards | undefined;
  readonly pictures: FieldGuards[];
}

/** More fields than a comparison at each call is worth. */
const FIELDS_AT_MOST = 1000;

/** A picture of an object, and the tensors in it in the order of the walk. */
export interface Fields {
  readonly guards: FieldGuards;
  readonly tensors: readonly Tensor[];
}

/**
 * Takes a picture; `undefined` where there is something that no picture shows, such as the content
 * of a map.
 */
export function guardsOf(value: object): Fields | undefined {
  const tensors: Tensor[] = [];
  const seen = new Map<object, Walked>();
  let fields = 0;
  const take = (part: unknown, isInherited = false): FieldGuards | undefined => {
    if (part instanceof Tensor) {
      tensors.push(part);
      return { kind: 'tensor' };
    }
    if (typeof part !== 'object' || part === null || part instanceof Generator) return { kind: 'same', value: part };
    const before = seen.get(part);
    if (before !== undefined) {
      // What comes in several places must be the very same object again in all of them.
      before.identity ??= new WeakRef(part);
      return { kind: 'same', value: part };
    }
    if (isOpaque(part) || isProxy(part)) return undefined;
    const names = namesOf(part, isInherited);
    fields += names.length;
    if (fields > FIELDS_AT_MOST) return undefined;
    const prototype: unknown = Object.getPrototypeOf(part);
    const accessors = isInherited ? [] : givenByAccessors(part);
    if (accessors === undefined) return undefined;
    const walked: Walked = {
      kind: 'fields',
      identity: isPlain(part) ? undefined : new WeakRef(part),
      prototype,
      isInherited,
      inherited: undefined,
      names,
      pictures: [],
      accessors,
    };
    seen.set(part, walked);
    for (const name of names) {
      const field = take((part as Record<PropertyKey, unknown>)[name]); // a getter's value is compared like any other
      if (field === undefined) return undefined;
      walked.pictures.push(field);
    }
    if (inheritsFields(prototype)) {
      walked.inherited = take(prototype, true);
      if (walked.inherited === undefined) return undefined;
    }
    return walked;
  };
  const whole = take(value);
  return whole && { guards: whole, tensors };
}

/**
 * Whether an object looks as in a picture.
 *
 * @param before - the picture
 * @param value - the object now
 * @param tensors - gets the tensors in it, in the order of the walk
 */
export function guardsHold(before: FieldGuards, value: unknown, tensors: Tensor[]): boolean {
  switch (before.kind) {
    case 'tensor':
      if (!(value instanceof Tensor)) return false;
      tensors.push(value);
      return true;
    case 'same':
      return Object.is(before.value, value);
    case 'fields': {
      if (typeof value !== 'object' || value === null) return false;
      const { identity, prototype, isInherited, inherited, names, pictures, accessors } = before;
      if (identity !== undefined && identity.deref() !== value) return false;
      if (Object.getPrototypeOf(value) !== prototype) return false;
      const now = namesOf(value, isInherited);
      if (now.length !== names.length) return false;
      for (let i = 0; i < names.length; i++) {
        if (now[i] !== names[i]) return false;
        if (!guardsHold(pictures[i], (value as Record<PropertyKey, unknown>)[names[i]], tensors)) return false;
      }
      for (let i = 0; i < accessors.length; i++) {
        const { name, value: given } = accessors[i];
        if (!Object.is((value as Record<PropertyKey, unknown>)[name], given)) return false;
      }
      if (inherited !== undefined) return guardsHold(inherited, prototype, tensors);
      // A field that its class has been given since; methods and accessors of a class are not met.
      if (identity !== undefined) for (const name in value) if (!Object.hasOwn(value, name)) return false;
      return true;
    }
  }
}

/** The names of an object's fields; of a prototype those that hold a value by themselves. */
function namesOf(value: object, isInherited: boolean): readonly PropertyKey[] {
  const symbols = Object.getOwnPropertySymbols(value);
  // What `Reflect.ownKeys` gives, in less than half its time: each remembered call asks for it.
  const ofStrings = Object.getOwnPropertyNames(value);
  const names: readonly PropertyKey[] = symbols.length === 0 ? ofStrings : [...ofStrings, ...symbols];
  if (!isInherited) return names;
  return names.filter((name) => Object.getOwnPropertyDescriptor(value, name)?.get === undefined);
}

/**
 * What the accessors that an object inherits give. Objects and functions among it are left out:
 * they are made of the fields, as what a method returns is, and may be new ones at each call.
 *
 * @returns `undefined` where one throws, so that nothing is known of it
 */
function givenByAccessors(value: object): readonly Given[] | undefined {
  const given = new Map<PropertyKey, unknown>();
  for (
    let from: unknown = Object.getPrototypeOf(value);
    typeof from === 'object' && from !== null && !builtIn.has(from);
    from = Object.getPrototypeOf(from)
  ) {
    for (const name of Reflect.ownKeys(from)) {
      if (name === '__proto__' || given.has(name) || Object.hasOwn(value, name)) continue;
      if (Object.getOwnPropertyDescriptor(from, name)?.get === undefined) continue;
      try {
        given.set(
          name,
          scope(() => (value as Record<PropertyKey, unknown>)[name]),
        );
      } catch {
        return undefined; // the step may never ask for it; if it does, it throws there
      }
    }
  }
  const isKnown = (one: unknown): boolean => typeof one !== 'function' && (typeof one !== 'object' || one === null);
  return Array.from(given, ([name, value]) => ({ name, value })).filter(({ value }) => isKnown(value));
}

/** Whether a prototype, or one behind it, holds more than the methods and accessors of a class. */
function inheritsFields(prototype: unknown): boolean {
  if (typeof prototype !== 'object' || prototype === null || builtIn.has(prototype)) return false;
  const hasField = namesOf(prototype, true).some(
    (name) => typeof (prototype as Record<PropertyKey, unknown>)[name] !== 'function',
  );
  return hasField || isProxy(prototype) || inheritsFields(Object.getPrototypeOf(prototype));
}

const builtIn: ReadonlySet<unknown> = new Set([Object.prototype, Array.prototype]);

/** Node's own test, where it can be had without an import; a page has none. */
interface NodeUtil {
  readonly types?: { readonly isProxy?: (value: unknown) => boolean };
}
const node = (globalThis as { process?: { getBuiltinModule?: (name: string) => NodeUtil | undefined } }).process;
const util = node?.getBuiltinModule?.('node:util');

/** Whether an object answers by code: nothing that it says now need hold later. */
function isProxy(value: object): boolean {
  return util?.types?.isProxy?.(value) === true;
}

/** Whether all that can be known of an object is in its fields. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || prototype === Array.prototype;
}

/**
 * Whether an object keeps what changes about it out of its fields, as maps, dates, buffers and the
 * platform's own classes do. They are told by their tags, as those of another realm are not
 * instances of the classes here.
 */
function isOpaque(value: object): boolean {
  const tag = Object.prototype.toString.call(value);
  return tag !== '[object Object]' && tag !== '[object Array]';
}

/** Whether an object can never change: a frozen list of numbers, such as the sizes of layers. */
function isConstant(
  { names, pictures, accessors, inherited }: Extract<FieldGuards, { kind: 'fields' }>,
  value: object,
): boolean {
  if (!Object.isFrozen(value) || accessors.length > 0 || inherited !== undefined) return false;
  const isGetter = (name: PropertyKey): boolean => Object.getOwnPropertyDescriptor(value, name)?.get !== undefined;
  return pictures.every(({ kind }) => kind === 'same') && !names.some(isGetter);
}

/**
 * The fields of an object, and of the objects in them, by the very values: what is compared first
 * where an object comes again, since it takes a fraction of a walk that collects tensors.
 */
export class FieldValues {
  private readonly before: Extract<FieldGuards, { kind: 'fields' }>;
  /** Fields that a loop over the object meets, and the others, such as the length of a list. */
  private readonly names: readonly string[];
  private readonly others: readonly PropertyKey[];
  /** Of all fields, in this order. */
  private readonly values: readonly unknown[];
  /** Of the fields that hold objects with fields; `undefined` in the others' places. */
  private readonly nested: readonly (FieldValues | undefined)[];

  private constructor(
    before: Extract<FieldGuards, { kind: 'fields' }>,
    [names, others]: readonly [readonly string[], readonly PropertyKey[]],
    values: readonly unknown[],
    nested: readonly (FieldValues | undefined)[],
  ) {
    this.before = before;
    this.names = names;
    this.others = others;
    this.values = values;
    this.nested = nested;
  }

  /**
   * @param before - a picture of the object that holds now
   * @returns nothing for an object that says more than its fields' values do
   */
  static of(before: FieldGuards, value: object): FieldValues | undefined {
    if (before.kind !== 'fields' || before.inherited !== undefined) return undefined;
    const names = Object.keys(value);
    const met = new Set<PropertyKey>(names);
    const others = before.names.filter((name) => !met.has(name));
    const values: unknown[] = [];
    const nested: (FieldValues | undefined)[] = [];
    for (const name of [...names, ...others]) {
      const field = (value as Record<PropertyKey, unknown>)[name];
      const guards = before.pictures[before.names.indexOf(name)];
      const isChecked = guards.kind === 'fields' && !isConstant(guards, field as object);
      const within = isChecked ? FieldValues.of(guards, field as object) : undefined;
      if (isChecked && within === undefined) return undefined;
      values.push(field);
      nested.push(within);
    }
    const made = new FieldValues(before, [names, others], values, nested);
    return made.hold(value) ? made : undefined; // a loop also meets what a class has been given
  }

  /**
   * Whether the object has the same fields with the same values, tensors included.
   *
   * @param value - the object that this was made of: whoever keeps this keeps it with the object
   */
  hold(value: object): boolean {
    const { names, others } = this;
    const { prototype, accessors } = this.before;
    if (Object.getPrototypeOf(value) !== prototype) return false;
    let count = 0;
    // The engine reads the fields that it goes through by their places, and not by their names.
    for (const name in value) {
      if (name !== names[count] || !this.isSame(count, (value as Record<string, unknown>)[name])) return false;
      count++;
    }
    const now = namesOf(value, false);
    if (count !== names.length || now.length !== count + others.length) return false;
    for (let i = 0; i < others.length; i++) {
      const name = others[i];
      if (!now.includes(name) || !this.isSame(count + i, (value as Record<PropertyKey, unknown>)[name])) return false;
    }
    for (let i = 0; i < accessors.length; i++) {
      const { name, value: given } = accessors[i];
      if (!Object.is((value as Record<PropertyKey, unknown>)[name], given)) return false;
    }
    return true;
  }

  private isSame(i: number, field: unknown): boolean {
    return Object.is(field, this.values[i]) && this.nested[i]?.hold(field as object) !== false;
  }
}
