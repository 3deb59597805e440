/**
 * The servers as the charts start them, where a pod's first address is one of IPv6, or its only one. Each port must answer
 * on both families, and several nodes must find one another.
 *
 * @module
 */

import { type Manifest, NAMESPACE, RELEASE, renderChart } from "@pipeline/tools/charts";
import { command, freePorts, type NodeSpec, ServerNode } from "@pipeline/tools/servers";
import { assert, assertEquals } from "@std/assert";
import { layServer, type PodOptions, podProcess } from "./_pods.ts";

const IP = "::1";
const TWO = { replicas: 2 };

const manifests = await renderChart({
  presets: ["values-dev.yaml", "ci/test-cluster-values.yaml"],
  values: {
    global: { topics: { replication: 2 }, dataset: { replication: 2 } },
    kafka: TWO,
    hdfs: { datanode: TWO },
    elasticsearch: TWO,
  },
});

/** Lines of `/etc/hosts`: where the names are that the servers look for, besides what every pod has. */
function hosts(...addresses: readonly string[]): string {
  const lines = [Deno.hostname(), ...names(manifests)].flatMap((name) =>
    addresses.map((address) => `${address} ${name}\n`)
  );
  return `127.0.0.1 localhost\n::1 localhost\n${lines.join("")}`;
}

function names(all: readonly Manifest[]): string[] {
  const domain = `${NAMESPACE}.svc.cluster.local`;
  const services = all.filter(({ kind }) => kind === "Service").map(({ metadata }) =>
    metadata.name
  );
  const pods = all.filter(({ kind }) => kind === "StatefulSet").flatMap(({ metadata, spec }) =>
    [0, 1].map((ordinal) => `${metadata.name}-${ordinal}.${spec.serviceName}`)
  );
  return [...services, ...pods].map((name) => `${name}.${domain}`);
}

/** Processes outlive the calls that start them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

/** Whether somebody listens there. */
async function listens(hostname: string, port: number): Promise<boolean> {
  return await Deno.connect({ hostname, port }).then((connection) => {
    connection.close();
    return true;
  }, () => false);
}

/** Of those ports, which do not answer on which family. */
async function silent(ports: readonly number[]): Promise<string[]> {
  const found: string[] = [];
  for (const port of ports) {
    for (const host of ["127.0.0.1", IP]) {
      if (!await listens(host, port)) found.push(`${host} ${port}`);
    }
  }
  return found;
}

/** What a program of a pod needs besides. */
type Started = NodeSpec & { readonly root: string };

/** Starts pods, uses them, ends them. */
class Pods implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "pods-" });
  readonly #nodes: ServerNode[] = [];

  /** Writes a pod's files. */
  async add(
    server: "kafka" | "hdfs" | "elasticsearch",
    pod: Omit<PodOptions, "manifests" | "root" | "ip">,
  ): Promise<Started> {
    const root = `${this.#folder}/${pod.set}-${pod.ordinal}`;
    await layServer(server, root);
    const spec = await podProcess({ ...pod, manifests, root, ip: IP });
    this.#nodes.push(new ServerNode(spec, root));
    return { ...spec, root };
  }

  async start(): Promise<void> {
    for (const node of this.#nodes) node.spawn();
    await Promise.all(this.#nodes.map((node) => node.ready()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test(
  "brokers answer on both families, and copy to one another over IPv6",
  OPTIONS,
  async () => {
    await using pods = new Pods();
    const all = freePorts(5) as [number, number, number, number, number];
    const [first, second, controller, agent, otherAgent] = all;
    const ports = [
      { 9092: first, 9093: controller, 9404: agent },
      { 9092: second, 9093: controller, 9404: otherAgent },
    ];
    const [broker] = await Promise.all(ports.map((own, ordinal) =>
      pods.add("kafka", {
        set: `${RELEASE}-kafka`,
        ordinal,
        hosts: hosts(IP),
        ports: own,
        answers: () => listens(IP, own[9092]),
      })
    ));
    await pods.start();
    assertEquals(await silent(all), []);
    const topics = (...args: string[]) =>
      command(`${broker!.root}/opt/kafka/bin/kafka-topics.sh`, [
        ...["--bootstrap-server", `[${IP}]:${first}`],
        ...args,
      ], { env: broker!.env! });
    await topics("--create", "--topic", "t", "--replication-factor", "2", "--partitions", "2");
    const described = await topics("--describe", "--topic", "t");
    assertEquals(described.match(/Isr: (0,1|1,0)/g)?.length, 2, described);
  },
);

Deno.test(
  "HDFS answers on both families, and balances from a DataNode's pod",
  OPTIONS,
  async () => {
    // Clients of Hadoop 3.5 read from addresses of IPv4 alone.
    const both = hosts(IP, "127.0.0.1");
    await using pods = new Pods();
    const [rpc, http, agent, ...own] = freePorts(9) as [number, number, number, ...number[]];
    const info = async () => {
      const url = `http://[${IP}]:${http}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo`;
      const { beans: [bean] } = await (await fetch(url)).json();
      return bean;
    };
    await pods.add("hdfs", {
      set: `${RELEASE}-namenode`,
      ordinal: 0,
      hosts: both,
      ports: { 8020: rpc, 9870: http, 9404: agent },
      answers: async () => (await info())?.Safemode === "",
    });
    const datanodes = await Promise.all([0, 1].map((ordinal) => {
      const [data, web, ipc] = own.slice(3 * ordinal) as [number, number, number];
      // Hadoop's own addresses, which the chart leaves as they are, but for the port.
      const addresses = Object.entries({ address: data, "http.address": web, "ipc.address": ipc })
        .map(([name, port]) =>
          `<property><name>dfs.datanode.${name}</name><value>0.0.0.0:${port}</value></property>`
        ).join("\n");
      return pods.add("hdfs", {
        set: `${RELEASE}-datanode`,
        ordinal,
        hosts: both,
        ports: { 8020: rpc, 9870: http },
        edit: (name, text) =>
          name === "hdfs-site.xml"
            ? text.replace("</configuration>", `${addresses}</configuration>`)
            : text,
        answers: async () =>
          Object.keys(JSON.parse((await info())?.LiveNodes ?? "{}")).length === 2,
      });
    }));
    await pods.start();
    assertEquals(await silent([rpc, http, agent, ...own]), []);

    const { root, env } = datanodes[0]!;
    const hdfs = (...args: string[]) =>
      command("bash", [`${root}/opt/hadoop/bin/hdfs`, ...args], { env: env! });
    await Deno.writeTextFile(`${root}/file`, "a line\n");
    await hdfs("dfs", "-put", `${root}/file`, "/file");
    assert((await hdfs("dfs", "-cat", "/file")).includes("a line"));
    // As a job does: the NameNode sends it on to a DataNode, by name.
    const sent = await fetch(`http://[${IP}]:${http}/webhdfs/v1/file?op=OPEN`, {
      redirect: "manual",
    });
    await sent.body?.cancel();
    const target = new URL(sent.headers.get("location")!);
    assert(target.hostname.startsWith(`${RELEASE}-datanode-`), target.href);
    target.hostname = `[${IP}]`;
    assertEquals(await (await fetch(target)).text(), "a line\n");
    const report = await hdfs("fsck", "/file", "-files", "-blocks");
    assert(/Live_repl=2/.test(report), report);
    const balanced = await hdfs("balancer");
    assert(balanced.includes("The cluster is balanced"), balanced);
  },
);

Deno.test(
  "Elasticsearch answers on both families, and nodes find one another over IPv6",
  OPTIONS,
  async () => {
    await using pods = new Pods();
    const all = freePorts(4) as [number, number, number, number];
    const [http, transport] = all;
    const health = async (own: number) => {
      const url = `http://[${IP}]:${own}/_cluster/health?wait_for_nodes=2&timeout=2s`;
      const { timed_out } = await (await fetch(url)).json();
      return timed_out === false;
    };
    await Promise.all([0, 1].map((ordinal) => {
      const [web, own] = all.slice(2 * ordinal) as [number, number];
      return pods.add("elasticsearch", {
        set: `${RELEASE}-elasticsearch`,
        ordinal,
        hosts: hosts(IP),
        ports: { 9200: web, 9300: own },
        edit: (name, text) =>
          name !== "elasticsearch.yml" ? text : text.replace(
            /(-headless\S+)/,
            `$1:${transport}`,
          ) + `http.port: ${web}\ntransport.port: ${own}\n` +
            "cluster.routing.allocation.disk.threshold_enabled: false\n",
        answers: () => health(web),
      });
    }));
    await pods.start();
    assertEquals(await silent(all), []);
    const { nodes } = await (await fetch(`http://[${IP}]:${http}/_nodes/transport`)).json();
    const addresses = Object.values(nodes as Record<string, Manifest>)
      .map((node) => node.transport.publish_address).sort();
    assertEquals(addresses, [all[1], all[3]].map((port) => `[${IP}]:${port}`).sort());
  },
);
