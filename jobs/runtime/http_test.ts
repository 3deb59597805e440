import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { listen } from "./http.ts";
import { jobFields } from "./job_config.ts";

/**
 * Some machines lack IPv6, such as containers of some engines: tests that need it are skipped
 * there, and listed.
 */
const ignore = !hasIpv6();

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** The loopback addresses that answer on the port of a listening server. */
async function answering(host: string): Promise<string[]> {
  const server = listen(() => new Response("here"), { host, port: 0 });
  try {
    const addresses = ["127.0.0.1", "[::1]"];
    const heard = await Promise.all(
      addresses.map((address) =>
        fetch(`http://${address}:${server.addr.port}/`).then((response) => response.text())
          .catch(() => "")
      ),
    );
    return addresses.filter((_, index) => heard[index] === "here");
  } finally {
    await server.shutdown();
  }
}

Deno.test(
  "listen() answers on both families where the host is a job's default",
  { ignore },
  async () => {
    const { host } = jobFields.ops.parse(undefined);
    assertEquals(await answering(host), ["127.0.0.1", "[::1]"]);
  },
);

Deno.test(
  "listen() answers on the one family or address that the host names",
  { ignore },
  async () => {
    assertEquals(await answering("[::]"), ["127.0.0.1", "[::1]"]);
    assertEquals(await answering("0.0.0.0"), ["127.0.0.1"]);
    assertEquals(await answering("127.0.0.1"), ["127.0.0.1"]);
    assertEquals(await answering("::1"), ["[::1]"]);
    assertEquals(await answering("[::1]"), ["[::1]"]);
  },
);

Deno.test("listen() refuses a host that is no address of the machine, and shows it", () => {
  for (const host of ["192.0.2.1", "2001:db8::1", "fe80::1", "no.such.invalid", "a b", "::g"]) {
    const error = assertThrows(
      () => listen(() => new Response(), { host, port: 0 }),
      PipelineError,
      `"${host}" is not an address of this machine`,
    );
    assertEquals(error.code, "invalid");
  }
});

Deno.test("listen() refuses a port that is in use, on either family", { ignore }, async () => {
  for (const host of ["::", "::1", "127.0.0.1"]) {
    const server = listen(() => new Response(), { host, port: 0 });
    const { port } = server.addr;
    assertThrows(
      () => listen(() => new Response(), { host, port }),
      PipelineError,
      `Port ${port} is in use`,
    );
    await server.shutdown();
  }
});

/** Runs a program on a kernel without IPv6: creating such a socket fails as it does there. */
const WITHOUT_IPV6 = `
import ctypes, os, platform, struct, sys
SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
AF_INET6, EAFNOSUPPORT, ERRNO, ALLOW = 10, 97, 0x50000, 0x7FFF0000
program = b"".join(struct.pack("HBBI", *step) for step in [
  (LOAD, 0, 0, 0), (EQUAL, 0, 3, SOCKET), (LOAD, 0, 0, 16), (EQUAL, 0, 1, AF_INET6),
  (RETURN, 0, 0, ERRNO | EAFNOSUPPORT), (RETURN, 0, 0, ALLOW)])
text = ctypes.create_string_buffer(program, len(program))
class Filter(ctypes.Structure):
  _fields_ = [("steps", ctypes.c_ushort), ("program", ctypes.c_void_p)]
libc = ctypes.CDLL(None)
filter = Filter(len(program) // 8, ctypes.addressof(text))
NO_NEW_PRIVILEGES, SECCOMP, BY_FILTER = 38, 22, 2
assert libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
assert libc.prctl(SECCOMP, BY_FILTER, ctypes.byref(filter), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
`;

/** Listens there without IPv6 and connects over IPv4. */
async function listenWithoutIpv6(host: string): Promise<string> {
  const program = `
    import { listen } from "./http.ts";
    import { createLogger } from "./log.ts";
    const logger = createLogger({ sink: (line) => console.log(line), clock: Date });
    try {
      const options = { host: ${JSON.stringify(host)}, port: 0, logger };
      const server = listen(() => new Response("here"), options);
      console.log(await (await fetch("http://127.0.0.1:" + server.addr.port)).text());
      await server.shutdown();
    } catch (error) {
      console.log(error.message);
    }
  `;
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: ["-c", WITHOUT_IPV6, Deno.execPath(), "eval", program],
    cwd: new URL(".", import.meta.url),
  }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

Deno.test("listen() takes IPv4 alone where the kernel has no IPv6, with a line", async () => {
  const lines = (await listenWithoutIpv6("::")).trim().split("\n");
  assertEquals(lines.length, 2, lines.join("\n"));
  const { level, msg, host } = JSON.parse(lines[0]!);
  assertEquals([level, msg, host], ["warn", "No IPv6 on this machine: listening on IPv4", "::"]);
  assertEquals(lines[1], "here");
  assertStringIncludes(
    await listenWithoutIpv6("::1"),
    `"::1" is not an address of this machine`,
  );
});
