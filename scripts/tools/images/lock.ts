/**
 * The part of `deno.lock` that a job needs: exactly this is embedded into its binary.
 *
 * @module
 */

/** A package of npm in the lock file. */
export interface LockedPackage {
  /** Hash of its archive, in npm's form: `sha512-<base64>`. */
  readonly integrity: string;
  /** Names, with the version if there are several. */
  readonly dependencies?: readonly string[];
}

/** A lock file, version 5. */
export interface Lock {
  readonly version: string;
  /** Requirements in manifests, and their resolved versions. */
  readonly specifiers: Readonly<Record<string, string>>;
  readonly jsr?: Readonly<Record<string, { readonly integrity: string }>>;
  /** By `name@version`, followed by the peers that it was resolved with. */
  readonly npm?: Readonly<Record<string, LockedPackage>>;
  readonly workspace?: unknown;
}

/**
 * Reduces a lock file to some specifiers and all their dependencies.
 *
 * @param specifiers as in manifests, e.g. `npm:zod@4.6.7`.
 * @throws {TypeError} if one of them, or one of their dependencies, is not locked.
 */
export function pruneLock(lock: Lock, specifiers: readonly string[]): Lock {
  const wanted = [...specifiers].sort();
  const versions = wanted.map((specifier) => {
    const version = lock.specifiers[specifier];
    if (version === undefined) throw new TypeError(`deno.lock does not have ${specifier}`);
    return [specifier, version] as const;
  });
  const roots = versions.map(([specifier, version]) =>
    [specifier.slice(0, 4), `${specifier.slice(4).replace(/(?<=.)@.*$/, "")}@${version}`] as const
  );
  const npm = new Map<string, LockedPackage>();
  const visit = (id: string): void => {
    if (npm.has(id)) return;
    const found = lock.npm?.[id];
    if (found === undefined) throw new TypeError(`deno.lock does not have the package ${id}`);
    npm.set(id, found);
    for (const name of found.dependencies ?? []) visit(lockedId(lock, name));
  };
  for (const [scheme, id] of roots) if (scheme === "npm:") visit(id);
  const jsr = roots.filter(([scheme]) => scheme === "jsr:")
    .map(([, id]) => [id, lock.jsr![id]!] as const);
  return {
    version: lock.version,
    specifiers: Object.fromEntries(versions),
    ...jsr.length === 0 ? {} : { jsr: Object.fromEntries(jsr) },
    ...npm.size === 0 ? {} : { npm: Object.fromEntries([...npm].sort(byKey)) },
    workspace: { dependencies: wanted },
  };
}

/** The key of the package that another one depends on by this name. */
export function lockedId(lock: Lock, dependency: string): string {
  const ids = Object.keys(lock.npm ?? {});
  const exact = ids.find((id) => id === dependency || id.startsWith(`${dependency}_`));
  if (exact !== undefined) return exact;
  const [found, ...others] = ids.filter((id) => nameOf(id) === dependency);
  if (found !== undefined && others.length === 0) return found;
  throw new TypeError(`deno.lock has no one package for the dependency ${dependency}`);
}

/** `@scope/name` of `@scope/name@1.0.0_peer@2.0.0`. */
export function nameOf(id: string): string {
  return id.slice(0, id.indexOf("@", 1));
}

/** `1.0.0` of `@scope/name@1.0.0_peer@2.0.0`. */
export function versionOf(id: string): string {
  return id.slice(nameOf(id).length + 1).split("_", 1)[0]!;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
