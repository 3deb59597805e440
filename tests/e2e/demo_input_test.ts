import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { jsonLines, submissions, zstd } from "../support/archive.ts";
import { type DemoFolder, type DemoStart, onFolder } from "../support/demo.ts";

/** What is wrong, how the demo is started, and the one line that it must say. */
type BadInput = [what: string, start: DemoStart, says: RegExp];

const BAD_VALUES: BadInput[] = [
  ["a rate", { RATE: "abc" }, /^--rate is "abc": it must be "100", "10\.\.1000 over 5m" or /],
  ["a negative rate", { RATE: "-5" }, /^--rate is "?-5"?: it must be /],
  ["a burst", { RATE: "1 burst 5 for 2m every 1m" }, /^--rate is .*burst is shorter/],
  ["a port", { PORT: "99999" }, /^--port is 99999: it must be an integer between 1 and 65535$/],
  ["a port in words", { PORT: "http" }, /^--port is "http": it must be an integer /],
  ["a duration", { DURATION: "-1" }, /^--duration is "?-1"?: it must be a duration such as "45s"/],
  ["a duration's unit", { DURATION: "5 weeks" }, /^--duration is "5 weeks": it must be /],
  ["a seed", { SEED: "x" }, /^--seed is "x": it must be an integer of at least 0$/],
  ["a scale", { args: ["--scale=0"] }, /^--scale is 0: it must be /],
  [
    "an option",
    { args: ["--duraton=5s"] },
    /^--duraton is not known; did you mean "--duration"\?$/,
  ],
  ["a word too many", { args: ["now"] }, /^now is one argument too many$/],
];

/** Starts the demo and holds it to one line on standard error and exit code 2. */
async function refused(folder: DemoFolder, [what, start, says]: BadInput): Promise<string> {
  const demo = await folder.run(start);
  assertEquals(await demo.ended(), 2, `with ${what}`);
  assertMatch(demo.stderr.trimEnd(), says);
  assertEquals(demo.stderr.trimEnd().split("\n").length, 1, `with ${what}: ${demo.stderr}`);
  return demo.stdout;
}

Deno.test("the demo refuses what it cannot use, in one line and with exit code 2", async () => {
  await onFolder(async (folder) => {
    for (const input of BAD_VALUES) assertEquals(await refused(folder, input), "");
    // make has an exit code of its own for whatever failed, which is the same.
    const port = { PORT: "99999", make: true };
    assertEquals(await refused(folder, ["a port, through make", port, /^--port is 99999/]), "");
    const left = await Array.fromAsync(Deno.readDir(folder.data));
    assertEquals(left.map(({ name }) => name), [".reddit-pipeline"]);
  });
});

Deno.test("the demo refuses a folder that cannot be written", async () => {
  await onFolder(async (folder) => {
    const file = await folder.file("file", "");
    // Root may write anywhere, but no one below a file.
    for (const DATA of [file, `${file}/data`]) {
      const says = new RegExp(`^Cannot use data folder ${DATA}: `);
      assertEquals(await refused(folder, [`the folder ${DATA}`, { DATA }, says]), "");
    }
    assertEquals(await Deno.readTextFile(file), "");
  });
});

Deno.test("the demo refuses a port and a folder that are in use, and disturbs neither", async () => {
  await onFolder(async (folder) => {
    const POSTS = await folder.file("RS_2024-02", jsonLines(submissions(50)));
    const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    const PORT = String(listener.addr.port);
    const taken = /^Port \d+ is in use: choose another/;
    assertEquals(await refused(folder, ["a port in use", { PORT, POSTS }, taken]), "");
    listener.close();

    const demo = folder.start({ POSTS, RATE: "100" });
    await demo.status("live records", (status) => status.layers.speed.records > 20);
    const used =
      /^Data folder \S+ is in use by process \d+: end that process, or choose another folder$/;
    const second = { POSTS, PORT: "1" };
    assertEquals(await refused(folder, ["a folder in use", second, used]), "");
    // Who starts it twice meets both, and hears of the folder.
    assertEquals(await refused(folder, ["both in use", { POSTS }, used]), "");
    const { provenance } = await demo.get("/v1/status");
    assertEquals(provenance.partial, false);
    demo.signal("SIGINT");
    assertEquals(await demo.ended(), 0);
    assertMatch(demo.row("verify"), /^exact/);
  });
});

Deno.test("the demo refuses archives that it cannot read, and keeps nothing of them", async () => {
  await onFolder(async (folder) => {
    const lines = jsonLines(submissions(500));
    const whole = await zstd(lines, 20);
    const damaged = whole.slice();
    damaged.fill(0x55, whole.length >> 1, (whole.length >> 1) + 40);
    // So much that the decoder needs several steps for it.
    const large = await zstd(jsonLines(submissions(5_000)), 20);
    large.fill(0x55, large.length - 400, large.length - 360);
    const missing = `${folder.path}/none.zst`;
    const good = await folder.file("RS_2024-02.zst", whole);
    const files: BadInput[] = [
      ["a missing file", { POSTS: missing }, /^The archive \S+none\.zst cannot be read: /],
      ["one of two", { POSTS: `${good} ${missing}` }, /^The archive \S+none\.zst cannot be read: /],
      ["a folder", { COMMENTS: folder.path }, /^\S+ is no file$/],
    ];
    for (const input of files) assertEquals(await refused(folder, input), "");

    const contents: [string, Uint8Array | string, RegExp][] = [
      ["text", "hello\n", /^The archive \S+ holds no usable line: line 1: .* not JSON$/],
      [
        "a cut",
        whole.subarray(0, whole.length - 9),
        /^The archive \S+ cannot be read to its end: /,
      ],
      ["damage", damaged, /^The archive \S+ cannot be read to its end: /],
      ["damage far inside", large, /^The archive \S+ cannot be read to its end: /],
      ["gzip", new Uint8Array([0x1f, 0x8b, 8, 0]), /^\S+ is compressed with gzip: only zstd /],
    ];
    for (const [what, content, says] of contents) {
      const POSTS = await folder.file("RS_bad", content);
      await refused(folder, [what, { POSTS }, says]);
    }

    const demo = await folder.run({ POSTS: good, DURATION: "1s", RATE: "0" });
    assertEquals(await demo.ended(), 0);
    assertEquals(demo.figure("history"), 500);
    assertMatch(demo.row("verify"), /^exact/);
    const loads = await Array.fromAsync(Deno.readDir(`${folder.data}/dataset/staging`));
    assert(loads.length <= 1, loads.map(({ name }) => name).join());
  });
});

Deno.test("the demo warns of archives without lines, and serves the others", async () => {
  await onFolder(async (folder) => {
    const posts = await folder.file("RS_2024-02", jsonLines(submissions(10)));
    const empty = await folder.file("RC_2024-02", "");
    const blank = await folder.file("RC_2024-03.zst", await zstd(jsonLines([]), 20));
    const files = { POSTS: posts, COMMENTS: `${empty} ${blank}` };
    for (const [start, records] of [[{ COMMENTS: empty }, 0], [files, 10], [files, 10]] as const) {
      const demo = folder.start({ ...start, DURATION: "1s", RATE: "0" });
      assertEquals(await demo.ended(), 0, demo.stderr);
      assertEquals(demo.figure("history"), records);
      assertMatch(demo.row("verify"), /^exact/);
      const warned = [empty, blank].filter((path) =>
        demo.stdout.includes(`Warning: ${path} has no lines: no record comes from it`)
      );
      const before = [empty, blank].filter((path) =>
        demo.stdout.includes(`${path}: its 0 records were loaded before`)
      );
      assertEquals([...warned, ...before].sort(), records === 0 ? [empty] : [empty, blank]);
    }
  });
});

Deno.test("the demo keeps the rejected lines of an archive, and reports them", async () => {
  await onFolder(async (folder) => {
    const bad = `${JSON.stringify({ id: "x", subreddit: "s", title: "t" })}\nno JSON\n`;
    const lines = new TextDecoder().decode(jsonLines(submissions(10)));
    const POSTS = await folder.file("RS_2024-02", `${lines}${bad}`);
    const demo = await folder.run({ POSTS, DURATION: "1s", RATE: "0" });
    assertEquals(await demo.ended(), 0);
    assertStringIncludes(demo.stdout, "2 lines could not be used; they are kept with the load:");
    assertMatch(demo.stdout, /line 11: .*\n.*line 12: The line is not JSON/);
    assertEquals(demo.figure("history"), 10);
  });
});
