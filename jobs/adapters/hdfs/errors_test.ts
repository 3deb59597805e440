import { type ErrorCode, hasCode } from "@pipeline/core";
import { assert, assertEquals } from "@std/assert";
import { openHdfs } from "./dataset.ts";
import { isStandby, readRemoteError, toPipelineError } from "./errors.ts";

const HDFS = "org.apache.hadoop.hdfs.server.namenode";

/** Answers of Hadoop 3: our code, status, name with package, message. */
const ANSWERS: readonly (readonly [ErrorCode, number, string, string])[] = [
  ["not_found", 404, "java.io.FileNotFoundException", "File does not exist: /a"],
  ["exists", 403, "org.apache.hadoop.fs.FileAlreadyExistsException", "/a already exists"],
  [
    "exists",
    403,
    "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException",
    "Failed to CREATE_FILE /a for x on 127.0.0.1 because this file lease is currently owned by y",
  ],
  ["full", 403, "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", "The DiskSpace quota"],
  [
    "full",
    403,
    "org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException",
    "The directory item limit of /a is exceeded: limit=1048576 items=1048576",
  ],
  [
    "invalid",
    403,
    "org.apache.hadoop.security.AccessControlException",
    'Permission denied: user=x, access=WRITE, inode="/":hdfs:supergroup:drwxr-xr-x',
  ],
  ["invalid", 403, "org.apache.hadoop.security.authorize.AuthorizationException", "not allowed"],
  ["invalid", 401, "org.apache.hadoop.security.authentication.client.AuthenticationException", "x"],
  [
    "invalid",
    400,
    "java.lang.IllegalArgumentException",
    'Invalid value for webhdfs parameter "op": No enum constant X',
  ],
  [
    "invalid",
    400,
    "java.lang.IllegalArgumentException",
    "Pathname /a:b from hdfs://c/a:b is not a valid DFS filename.",
  ],
  ["invalid", 400, "java.lang.UnsupportedOperationException", "Symlinks not supported"],
  [
    "invalid",
    403,
    "org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException",
    "The maximum path component name limit of a in directory / is exceeded",
  ],
  [
    "invalid",
    403,
    "java.lang.SecurityException",
    "Failed to obtain user group information: java.io.IOException: Security enabled but user not " +
    "authenticated by filter",
  ],
  [
    "invalid",
    403,
    "org.apache.hadoop.ipc.RemoteException",
    "org.apache.hadoop.security.AccessControlException: Permission denied: user=x",
  ],
  [
    "not_found",
    403,
    "java.io.IOException",
    "org.apache.hadoop.ipc.RemoteException: java.io.FileNotFoundException: File does not exist: /a",
  ],
  // Transient errors.
  ["unavailable", 400, "java.lang.IllegalArgumentException", "java.net.UnknownHostException: dn-0"],
  ["unavailable", 403, "java.net.UnknownHostException", "dn-0.hdfs: Name or service not known"],
  [
    "unavailable",
    400,
    "java.lang.IllegalArgumentException",
    "Unable to create token service: java.net.UnknownHostException: dn-0",
  ],
  ["unavailable", 400, "java.lang.IllegalArgumentException", "something new"],
  [
    "unavailable",
    403,
    `${HDFS}.SafeModeException`,
    "Cannot create file /a. Name node is in safe mode.",
  ],
  [
    "unavailable",
    403,
    "org.apache.hadoop.ipc.RetriableException",
    `${HDFS}.SafeModeException: Cannot set permission for /a. Name node is in safe mode.`,
  ],
  [
    "unavailable",
    403,
    "org.apache.hadoop.ipc.RetriableException",
    "org.apache.hadoop.security.AccessControlException: Permission denied",
  ],
  [
    "unavailable",
    403,
    "org.apache.hadoop.security.AccessControlException",
    "java.net.ConnectException: Connection refused",
  ],
  ["unavailable", 403, "org.apache.hadoop.ipc.StandbyException", "Operation category READ"],
  [
    "unavailable",
    403,
    "java.lang.SecurityException",
    "Failed to obtain user group information: " +
    "org.apache.hadoop.security.token.SecretManager$InvalidToken: StandbyException",
  ],
  [
    "unavailable",
    403,
    "org.apache.hadoop.ipc.RemoteException",
    "java.io.IOException: File /a could only be written to 0 of the 1 minReplication nodes.",
  ],
  ["unavailable", 403, "java.net.NoRouteToHostException", "No Route to Host from nn to dn-1:9866"],
  ["unavailable", 403, "java.net.SocketTimeoutException", "60000 millis timeout"],
  ["unavailable", 403, "java.io.EOFException", "End of File Exception between nn and dn"],
  ["unavailable", 403, "org.apache.hadoop.hdfs.BlockMissingException", "Could not obtain block"],
  ["unavailable", 403, `${HDFS}.NotReplicatedYetException`, "Not replicated yet: /a"],
  ["unavailable", 403, `${HDFS}.LeaseExpiredException`, "No lease on /a"],
  ["unavailable", 500, "java.lang.NullPointerException", "null"],
  ["unavailable", 403, "org.example.SomethingNewException", "who knows"],
];

const simple = (name: string) =>
  name.slice(Math.max(name.lastIndexOf("."), name.lastIndexOf("$")) + 1);

Deno.test("toPipelineError() takes for permanent only what Hadoop's answer is known to mean", async () => {
  for (const [code, status, javaClassName, message] of ANSWERS) {
    const exception = simple(javaClassName);
    for (const named of [{ exception, javaClassName, message }, { javaClassName, message }]) {
      const answer = Response.json({ RemoteException: named }, { status });
      const error = toPipelineError(await readRemoteError(answer), "Writing /a");
      assertEquals(error.code, code, `${javaClassName}: ${message}`);
      assert(error.message.includes(`${exception}: ${message}`), error.message);
    }
  }
});

Deno.test("isStandby() knows a NameNode that is not active, also from within another error", () => {
  const status = 403;
  const inside = "Failed to obtain user group information: " +
    "org.apache.hadoop.security.token.SecretManager$InvalidToken: StandbyException";
  assert(isStandby({ status, exception: "SecurityException", message: inside }));
  assert(isStandby({ status, exception: "StandbyException", message: "Operation category READ" }));
  const wrapped = "org.apache.hadoop.ipc.StandbyException: Operation category WRITE";
  assert(isStandby({ status, exception: "RemoteException", message: wrapped }));
  assert(!isStandby({ status, exception: "SafeModeException", message: "in safe mode" }));
});

/** The error of a call if the server answers every request alike. */
async function answered(answer: Response, call: string): Promise<unknown> {
  const body = await answer.arrayBuffer();
  const { status, headers } = answer;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(body.slice(), { status, headers }),
  );
  const dataset = openHdfs({ namenodes: [`http://127.0.0.1:${server.addr.port}`], user: "x" });
  try {
    switch (call) {
      case "status":
        return await dataset.status("/a");
      case "list":
        return await dataset.list("/a");
      case "copies":
        return await dataset.copies("/a");
      case "write":
        return await dataset.write("/a", new Uint8Array(3));
      default:
        return await dataset.mkdirs("/a");
    }
  } catch (error) {
    return error;
  } finally {
    await dataset.close();
    await server.shutdown();
  }
}

const CALLS = ["status", "list", "copies", "write", "mkdirs"];
const html = { headers: { "content-type": "text/html" } };

Deno.test("openHdfs() takes no answer of a proxy for one of HDFS", async () => {
  const answers = () => [
    ...[200, 401, 403, 404, 405, 500, 502].map((status) =>
      new Response("<html>nginx</html>", { ...html, status })
    ),
    Response.json({ error: "Not Found", status: 404 }, { status: 404 }),
    Response.json({ RemoteException: null }, { status: 404 }),
    Response.json({ RemoteException: {} }, { status: 404 }),
    Response.json({}),
    Response.json(null),
    new Response(""),
  ];
  for (const call of CALLS) {
    for (const [i, answer] of answers().entries()) {
      const error = await answered(answer, call);
      assert(hasCode(error, "unavailable"), `${call}, answer ${i}: ${error}`);
    }
  }
});

Deno.test("openHdfs() names it where HDFS wants Kerberos", async () => {
  const headers = { "www-authenticate": "Negotiate", "content-type": "text/html" };
  const answer = new Response("<html>Authentication required</html>", { status: 401, headers });
  const error = await answered(answer, "status");
  assert(hasCode(error, "invalid"), String(error));
});

Deno.test("openHdfs() is worth another try whatever keeps it from a server", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  const resetting = (async () => {
    for await (const connection of listener) connection.close();
  })();
  const free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const refusing = free.addr.port;
  free.close();
  const urls = [
    `http://127.0.0.1:${refusing}`,
    `http://127.0.0.1:${port}`,
    `https://127.0.0.1:${port}`,
    "http://no-such-host.invalid:9870",
  ];
  for (const url of urls) {
    const dataset = openHdfs({ namenodes: [url], user: "x" });
    const error = await dataset.status("/a").catch((error) => error);
    assert(hasCode(error, "unavailable"), `${url}: ${error}`);
    await dataset.close();
  }
  listener.close();
  await resetting;
});
