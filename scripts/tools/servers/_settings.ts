/**
 * Settings of a set of servers that are fixed as long as its data exists: the number of nodes, and
 * their ports.
 *
 * @module
 */

/** Ports of a node, by purpose. */
export interface Ports {
  readonly client: number;
  /** Between the nodes. */
  readonly internal: number;
  /** RPC of a DataNode; only there. */
  readonly rpc?: number;
  /** A broker's second listener, for clients that come through a proxy; only there. */
  readonly behind?: number;
  /** The advertised port of that listener: the proxy's. */
  readonly proxy?: number;
}

/** Settings of the servers that override ours. */
export interface Overrides {
  /** Lines of `server.properties`. */
  readonly kafka?: Readonly<Record<string, string>>;
  /** Properties of `hdfs-site.xml`. */
  readonly hdfs?: Readonly<Record<string, string>>;
  /** Lines of `elasticsearch.yml`. */
  readonly elasticsearch?: Readonly<Record<string, string>>;
}

/** A set of servers, as stored in its data folder. */
export interface Settings {
  /** Format of the file. */
  readonly version: 1;
  /** Full compilation of the servers' code: slower to start, faster to run. */
  readonly steady: boolean;
  /** Brokers; also controllers. */
  readonly kafka: readonly Ports[];
  /** One or none. `client` is HTTP, `internal` RPC. */
  readonly namenodes: readonly Ports[];
  /** `client` is HTTP, `internal` data transfer. */
  readonly datanodes: readonly Ports[];
  /** `client` is HTTP, `internal` transport. */
  readonly elasticsearch: readonly Ports[];
  readonly overrides: Overrides;
}

/** Free loopback ports, all different. */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** Flags of every Java: small heaps, and little work for compilers and collectors on few cores. */
export function javaFlags(heap: number, steady: boolean): string[] {
  return [
    `-Xms${heap}m`,
    `-Xmx${heap}m`,
    "-XX:+UseSerialGC",
    ...(steady ? [] : ["-XX:TieredStopAtLevel=1"]),
    "-Djava.awt.headless=true",
  ];
}

/** An address on this machine. */
export function local(port: number): string {
  return `127.0.0.1:${port}`;
}
