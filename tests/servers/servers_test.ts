import { hasCode, PipelineError } from "@pipeline/core";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Authority } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { JAR_SETS, readArtifacts } from "../../scripts/tools/servers/artifacts.ts";
import { command } from "../../scripts/tools/servers/command.ts";
import { findJava } from "../../scripts/tools/servers/java.ts";
import { compare } from "../../scripts/tools/servers/jars.ts";
import { ServerNode } from "../../scripts/tools/servers/node.ts";
import { isAlive, readPid, startOf } from "../../scripts/tools/servers/process.ts";
import { provideJava } from "../../scripts/tools/servers/provide.ts";
import { settle, watchOver } from "../../scripts/tools/servers/servers.ts";

const LOCK = new URL("../../scripts/tools/servers/maven.lock", import.meta.url);

Deno.test("readArtifacts() takes its versions from the Chartfile", async () => {
  const text = await Deno.readTextFile(new URL("../../Chartfile", import.meta.url));
  const artifacts = await readArtifacts();
  for (const set of JAR_SETS.filter((set) => set !== "compiler")) {
    assertStringIncludes(text, `upstream: ${artifacts[set].version}`);
    assert(artifacts[set].roots.some((root) => root.endsWith(`:${artifacts[set].version}`)));
  }
});

Deno.test("maven.lock holds every set at the Chartfile's versions, by hash", async () => {
  const lines = (await Deno.readTextFile(LOCK)).trimEnd().split("\n");
  for (const line of lines) assert(/^[0-9a-f]{64} {2}[\w-]+\/[^/]+\.jar$/.test(line), line);
  const artifacts = await readArtifacts();
  const main = {
    kafka: "kafka_2.13",
    hdfs: "hadoop-hdfs",
    elasticsearch: "elasticsearch",
    "jmx-exporter": "jmx_prometheus_javaagent",
    compiler: "ecj",
  };
  for (const set of JAR_SETS) {
    const jar = `${set}/${main[set]}-${artifacts[set].version}.jar`;
    assert(lines.some((line) => line.endsWith(`  ${jar}`)), `${jar} is not in maven.lock`);
  }
});

Deno.test("compare() refuses a jar that differs, is missing or is unknown", () => {
  const lock = new Map([["a.jar", "11"], ["b.jar", "22"]]);
  compare("kafka", lock, new Map(lock));
  const cases: [Map<string, string>, string][] = [
    [new Map([["a.jar", "11"], ["b.jar", "33"]]), "kafka/b.jar has the SHA-256 33"],
    [new Map([["a.jar", "11"]]), "kafka/b.jar has the SHA-256 of nothing"],
    [new Map([...lock, ["c.jar", "44"]]), "that there is no such file"],
  ];
  for (const [found, message] of cases) {
    const error = assertThrows(() => compare("kafka", lock, found), PipelineError, message);
    assertEquals(error.code, "corrupt");
  }
});

/** A folder that looks like the home of a Java. */
async function fakeJava(folder: string, release: string): Promise<string> {
  await Deno.mkdir(`${folder}/bin`, { recursive: true });
  await Deno.writeTextFile(`${folder}/release`, `JAVA_VERSION="${release}"\n`);
  await Deno.writeTextFile(`${folder}/bin/java`, "");
  return folder;
}

Deno.test("findJava() looks beside the default one, and reports what it found", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const old = await fakeJava(`${folder}/default`, "17.0.9");
    const fresh = await fakeJava(`${folder}/more/jdk-21`, "21.0.1");
    const env = (name: string) => name === "JAVA_HOME" ? old : "";
    const places = [{ folder: `${folder}/more`, below: "" }];
    const options = { for: "A test", env, places };
    assertEquals((await findJava(17, options)).home, old);
    assertEquals((await findJava(21, options)).home, fresh);
    const error = await assertRejects(() => findJava(99, options), PipelineError);
    assertEquals(error.code, "invalid");
    assertStringIncludes(error.message, "A test needs a Java of release 99 or later");
    assertStringIncludes(error.message, `17 in ${old}`);
    const none = await assertRejects(
      () => findJava(17, { for: "A test", env: () => "", places: [] }),
      PipelineError,
    );
    assertStringIncludes(none.message, "none was found");
    assert(!none.message.includes("\n"), "one line");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("provideJava() reports in one line that no JDK can be installed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const module = new URL("../../scripts/tools/servers/provide.ts", import.meta.url);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { provideJava } from "${module}";
        // No machine has one of this release.
        await provideJava(99, { for: "A test" }).catch(({ message }) => console.log(message));`,
      ],
      // Without any program that could fetch one.
      env: { PATH: folder, XDG_CACHE_HOME: folder },
    }).output();
    const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
    assertEquals([code, lines.length], [0, 1], lines.join("\n"));
    for (const part of ["A test needs a Java of release 99", "apt-get", "pip"]) {
      assertStringIncludes(lines[0]!, part);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("keyStore() is one that Java reads", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { home } = await provideJava(17, { for: "A test" });
    const { cert: pem } = await Authority.create();
    await Deno.writeTextFile(`${folder}/bundle.crt`, `# a comment\n${pem}\n${pem}\n`);
    const module = new URL("../../scripts/tools/servers/trust.ts", import.meta.url);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", `import { trustFlag } from "${module}"; console.log(await trustFlag());`],
      env: { SSL_CERT_FILE: `${folder}/bundle.crt`, XDG_CACHE_HOME: folder },
    }).output();
    const [flag, path] = new TextDecoder().decode(stdout).trim().split("=");
    assertEquals(flag, "-Djavax.net.ssl.trustStore");
    const listed = await command(`${home}/bin/keytool`, [
      ...["-list", "-keystore", path!, "-storepass", "changeit"],
    ]);
    assertStringIncludes(listed, "2 entries");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("settle() keeps the ports of a folder that it has settled before", async () => {
  const data = await Deno.makeTempDir();
  try {
    await settle(data, { kafka: 2, datanodes: 0, elasticsearch: 1 });
    const first = await Deno.readTextFile(`${data}/servers.json`);
    await settle(data, { kafka: 3 });
    assertEquals(await Deno.readTextFile(`${data}/servers.json`), first);
    const { kafka, namenodes, elasticsearch } = JSON.parse(first);
    assertEquals([kafka.length, namenodes.length, elasticsearch.length], [2, 0, 1]);
    const ports = [...kafka, ...elasticsearch].flatMap((node) => Object.values(node));
    assertEquals(new Set(ports).size, ports.length, "two nodes share a port");
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("a node is started, frozen, killed and restarted, and its log is kept", async () => {
  const folder = await Deno.makeTempDir();
  const node = new ServerNode({
    name: "sleeper",
    endpoint: "127.0.0.1:1",
    command: ["/bin/sh", "-c", "echo started; exec sleep 600"],
    answers: async () => (await Deno.readTextFile(`${folder}/out.log`)).includes("started"),
  }, folder);
  const starts = async () => (await Deno.readTextFile(node.log)).split("started").length - 1;
  try {
    assertEquals(node.runs, false);
    await node.start();
    const { pid } = node;
    const first = readPid(folder)!;
    assert(isAlive(first));
    // Another object finds the same process by the folder.
    assertEquals(new ServerNode({ ...SPEC, command: [] }, folder).pid, pid);
    const again = await assertRejects(() => node.start());
    assert(hasCode(again, "conflict"));
    node.pause();
    node.resume();
    await node.kill();
    assertEquals([node.runs, isAlive(first)], [false, false]);
    await node.start();
    assert(node.pid !== pid);
    // It answered by the first start's line; the second one's may take a moment.
    await eventually(async () => assertEquals(await starts(), 2));
  } finally {
    await node.kill();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a node leaves alone who has the number of a process that ended", async (t) => {
  const stranger = new Deno.Command("sleep", { args: ["600"] }).spawn();
  const folder = await Deno.makeTempDir();
  const { pid } = stranger;
  const start = startOf(pid)!;
  const node = () => new ServerNode({ ...SPEC, command: [] }, folder);
  try {
    const stale = {
      "of another start": `${pid}\n${start}0\n`,
      "of another boot": `${pid}\n0${start}\n`,
      "of an older version, without a start": `${pid}`,
    };
    for (const [name, text] of Object.entries(stale)) {
      await t.step(name, async () => {
        await Deno.writeTextFile(`${folder}/pid`, text);
        assertEquals(node().runs, false);
        for (const act of ["pause", "resume", "kill"] as const) await node()[act]();
        assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
        assertEquals(startOf(pid), start, "the stranger was killed");
        const state = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => ") S");
        assert(!state.includes(") T"), "the stranger is frozen");
      });
    }
    await t.step("but not its own", async () => {
      await Deno.writeTextFile(`${folder}/pid`, `${pid}\n${start}\n`);
      assertEquals(node().runs, true);
      const killed = stranger.status;
      await node().kill();
      assertEquals((await killed).signal, "SIGKILL");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("startServers()'s guard ends what pid files name, and no stranger", async () => {
  const data = await Deno.makeTempDir();
  const sleep = () => new Deno.Command("sleep", { args: ["600"] }).spawn();
  const [own, stranger] = [sleep(), sleep()];
  try {
    for (
      const [name, text] of [
        ["own", `${own.pid}\n${startOf(own.pid)}\n`],
        ["stale", `${stranger.pid}\n${startOf(stranger.pid)}0\n`],
      ]
    ) {
      await Deno.mkdir(`${data}/${name}`);
      await Deno.writeTextFile(`${data}/${name}/pid`, text!);
    }
    await watchOver(data, { remove: true }).end();
    assertEquals((await own.status).signal, "SIGKILL");
    assert(startOf(stranger.pid) !== undefined, "the stranger was killed");
    await assertRejects(() => Deno.stat(data), Deno.errors.NotFound);
  } finally {
    stranger.kill();
    await stranger.status;
  }
});

const SPEC = { name: "sleeper", endpoint: "127.0.0.1:1", answers: () => Promise.resolve(true) };

Deno.test("a node that ends while it starts fails at once, with its last lines", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const node = new ServerNode({
      ...SPEC,
      command: ["/bin/sh", "-c", "echo no such thing >&2; exit 3"],
      answers: () => Promise.resolve(false),
    }, folder);
    const error = await assertRejects(() => node.start(), PipelineError, "ended while it started");
    assertStringIncludes(error.message, "no such thing");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
