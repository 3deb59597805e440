// The jobs as they are shipped: each image's files as a read-only root, its user, and what is compiled in.
import { freePorts } from "@pipeline/tools/servers";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { build, type Built } from "../../scripts/tools/images/build.ts";
import { writeImage } from "../../scripts/tools/images/image.ts";
import { jobRecipe } from "../../scripts/tools/images/job_image.ts";
import { type JobName, JOBS } from "../../scripts/tools/images/jobs.ts";
import { eventually } from "../support/eventually.ts";
import { Container, type Ended } from "./_container.ts";

const USER = 65532;

async function image(job: JobName): Promise<Built> {
  return await build(await jobRecipe(job, {}));
}

async function container(job: JobName, tmp?: string): Promise<Container> {
  const { archive } = await image(job);
  return await Container.of(archive, { user: USER, ...tmp === undefined ? {} : { tmp } });
}

for (const job of JOBS) {
  Deno.test(`the image of ${job} runs, and refuses a bad configuration in one line`, async () => {
    await using box = await container(job);
    const help = await box.run(["/job", "--help"]);
    assertEquals([help.code, help.stderr], [0, ""]);
    assertStringIncludes(help.stdout, `Usage: ${job}`);

    const command = job === "generator" ? "realtime" : "run";
    const config = await box.configure({ embedded: { folder: "/tmp/x" }, logg: {} });
    const bad = await box.run(["/job", command, "--config", config]);
    assertEquals([bad.code, bad.stdout], [2, ""]);
    assertEquals(bad.stderr, '"logg" is not known; did you mean "log"?\n');
  });
}

Deno.test("a job in its image reads and writes nowhere but where it may", async () => {
  await using box = await container("generator");
  const read = await box.run(["/job", "historical", "--config", "/etc/passwd"]);
  assertEquals(read.code, 2);
  assertMatch(read.stderr, /^The configuration file \/etc\/passwd .*Requires read access/);

  const config = await box.configure({ embedded: { folder: "/var/x", access: "own" } });
  const write = await box.run(["/job", "historical", "--config", config]);
  assert(write.code !== 0);
  assertMatch(write.stdout + write.stderr, /Requires (read|write) access to \\?"\/var\/x/);
});

Deno.test("the image of a job holds its binary, libraries, certificates and papers, and no more", async () => {
  await using box = await container("serving");
  const names = async (folder: string) =>
    (await Array.fromAsync(Deno.readDir(`${box.root}/${folder}`))).map(({ name }) => name).sort();
  assertEquals(await names("."), [
    ...["bin", "dev", "etc", "job", "lib", "lib64", "proc", "sbin", "sys", "tmp", "usr"],
  ]);
  assertEquals([await names("usr/bin"), await names("usr/sbin")], [[], []]);
  assertEquals(await names("etc"), ["group", "nsswitch.conf", "passwd", "reddit-pipeline", "ssl"]);
  const certificates = await Deno.readTextFile(`${box.root}/etc/ssl/certs/ca-certificates.crt`);
  assert(certificates.split("BEGIN CERTIFICATE").length > 100);

  const { components } = JSON.parse(
    await Deno.readTextFile(`${box.root}/usr/share/sbom/job.cdx.json`),
  );
  const packages: string[] = components.map(({ name }: { name: string }) => name);
  for (const name of ["deno", "kafkajs", "@elastic/elasticsearch", "uplot"]) {
    assert(packages.includes(name), name);
  }
  for (const name of ["typescript", "playwright-core", "@duckdb/node-api"]) {
    assert(!packages.includes(name), name);
  }
  assert((await names("usr/share/licenses")).some((name) => name.startsWith("hono@")));
});

for (const job of ["speed", "serving"] as const) {
  Deno.test(`a second build of the image of ${job} is identical to the bit`, async () => {
    const { id, reference } = await image(job);
    const { layers: make, config } = await jobRecipe(job, {});
    const folder = await Deno.makeTempDir();
    try {
      const layers = await make(folder);
      assertEquals(await writeImage(`${folder}/image.tar`, { reference, layers, config }), id);
      // Nor is there a trace of where it was built.
      const binary = new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/root/job`));
      const places = [folder, new URL("../..", import.meta.url).pathname, "/tmp/image-"];
      assertEquals(places.filter((path) => binary.includes(path)), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("the images make a pipeline: history, a generation folded by threads, the page", async () => {
  const data = await Deno.makeTempDir({ prefix: "container-data-" });
  await Deno.chmod(data, 0o777);
  const ports = freePorts(4);
  const config = {
    embedded: { folder: "/tmp/data" },
    ops: { port: ports[0] },
    log: { level: "warn" },
  };
  const own = { ...config, embedded: { folder: "/tmp/data", access: "own" } };
  const ending = new AbortController();
  const running: Promise<Ended>[] = [];
  try {
    const job = async (name: JobName, command: string, settings: unknown) => {
      await using box = await container(name, data);
      const path = await box.configure(settings);
      const { code, stdout, stderr } = await box.run(["/job", command, "--config", path]);
      assertEquals(code, 0, `${name} ${command}: ${stdout}${stderr}`);
    };
    await job("generator", "historical", { ...own, historical: { days: 1, scale: 0.01 } });
    await job("ingest", "setup", own);
    await job("ingest", "bootstrap", own);

    await using speed = await container("speed", data);
    await using serving = await container("serving", data);
    const signal = ending.signal;
    const start = async (box: Container, settings: unknown) =>
      running.push(
        box.run(["/job", "run", "--config", await box.configure(settings)], { signal }),
      );
    await start(speed, { ...own, ops: { port: ports[1] }, parts: { port: 0 } });
    await start(serving, { ...config, ops: { port: ports[3] }, port: ports[2] });
    await job("batch", "run", { ...config, threads: 2 });

    // A switch of generations shows in serving with its next reading of the store.
    await waitFor(`http://127.0.0.1:${ports[3]}/readyz`);
    const page = await fetch(`http://127.0.0.1:${ports[2]}/page/uplot.js`);
    assertEquals([page.status, (await page.text()).length > 10_000], [200, true]);
    const style = await fetch(`http://127.0.0.1:${ports[2]}/page/uplot.css`);
    assertEquals([style.status, (await style.text()).includes(".uplot")], [200, true]);
    const status = await fetch(`http://127.0.0.1:${ports[2]}/v1/status`);
    assertEquals((await status.json()).generation, 1);
    ending.abort();
    for (const { code, stdout, stderr } of await Promise.all(running)) {
      assertEquals(code, 0, `a job ended with ${code}: ${stdout}${stderr}`);
    }
  } finally {
    ending.abort();
    await Promise.allSettled(running);
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("an image with OpenTelemetry sends what it does to a collector; one without sends nothing", async () => {
  const seen: string[] = [];
  const collector = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const text = new TextDecoder("latin1").decode(await request.bytes());
      seen.push(`${new URL(request.url).pathname} ${text}`);
      return new Response();
    },
  );
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    OTEL_SERVICE_NAME: "the-serving-job",
  };
  try {
    for (const otel of [false, true]) {
      const { archive, reference } = await build(await jobRecipe("serving", { otel }));
      assertEquals(reference.endsWith("-otel"), otel);
      await using box = await Container.of(archive, { user: USER });
      const ports = freePorts(2);
      const config = await box.configure({
        embedded: { folder: "/tmp/data", access: "own" },
        ops: { port: ports[0] },
        port: ports[1],
      });
      const ending = new AbortController();
      const { signal } = ending;
      const running = box.run(["/job", "run", "--config", config], { env, signal });
      await waitFor(`http://127.0.0.1:${ports[0]}/healthz`);
      ending.abort();
      await running;
      const traces = seen.filter((one) => one.startsWith("/v1/traces "));
      assertEquals(traces.length > 0, otel, seen.join("\n"));
      assertEquals(traces.every((one) => one.includes("the-serving-job")), true);
    }
  } finally {
    await collector.shutdown();
  }
});

/** Waits until somebody answers with success. */
async function waitFor(url: string): Promise<void> {
  await eventually(async () => {
    const response = await fetch(url);
    const answer = await response.text();
    assert(response.ok, `${url}: ${response.status} ${answer}`);
  }, 30_000);
}
