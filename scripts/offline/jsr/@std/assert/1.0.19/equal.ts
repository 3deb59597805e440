type Keyed = Set<unknown> | Map<unknown, unknown>;

/** Whether two values are deeply equal: the same constructor, keys and values; `0` equals `-0`. */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Map<unknown, unknown>): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (!sameConstructor(a, b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
  }
  if (ArrayBuffer.isView(a) && !(a instanceof DataView)) return sameElements(a, b);
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof Error && b instanceof Error && a.message !== b.message) return false;
  if (isKeyed(a) && isKeyed(b) && !sameEntries(a, b, seen)) return false;
  const keys = ownKeys(a);
  return keys.length === ownKeys(b).length &&
    keys.every((key) =>
      Object.hasOwn(b, key) && compare(Reflect.get(a, key), Reflect.get(b, key), seen)
    );
}

function sameConstructor(a: object, b: object): boolean {
  return (a.constructor ?? Object) === (b.constructor ?? Object);
}

function isKeyed(value: unknown): value is Keyed {
  return value instanceof Set || value instanceof Map;
}

function ownKeys(value: object): PropertyKey[] {
  const symbols = Object.getOwnPropertySymbols(value)
    .filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  return [...Object.keys(value), ...symbols];
}

function sameElements(a: object, b: object): boolean {
  const left = a as ArrayLike<number | bigint>;
  const right = b as ArrayLike<number | bigint>;
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i] && !Object.is(left[i], right[i])) return false;
  }
  return true;
}

function sameEntries(a: Keyed, b: Keyed, seen: Map<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  const rest = [...b.entries()].filter(([key, value]) =>
    !(a.has(key) && (a instanceof Set || compare(a.get(key), value, seen)))
  );
  const open = [...a.entries()].filter(([key, value]) =>
    !(b.has(key) && (b instanceof Set || compare(value, b.get(key), seen)))
  );
  return open.every(([key, value]) => {
    const i = rest.findIndex(([k, v]) => compare(key, k, seen) && compare(value, v, seen));
    if (i >= 0) rest.splice(i, 1);
    return i >= 0;
  });
}
