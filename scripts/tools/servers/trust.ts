/**
 * The machine's trusted certificates for Java, which has a list of its own: proxies and company
 * mirrors depend on them.
 *
 * @module
 */

import { serverCache } from "./_cache.ts";

/** Debian's file of the machine's certificates; a variable of OpenSSL may name another one. */
const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

/** The usual password of certificate stores, whose content is not secret. */
const PASSWORD = "changeit";

/** The flag that makes Java trust the machine's certificates, if they are found. */
export async function trustFlag(): Promise<string | undefined> {
  const pem = await Deno.readTextFile(Deno.env.get("SSL_CERT_FILE") ?? BUNDLE).catch(() => "");
  const certificates = Array.from(
    pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g),
    ([, text]) => Uint8Array.fromBase64(text!.replaceAll(/\s/g, "")),
  );
  if (certificates.length === 0) return undefined;
  const path = `${serverCache()}/trusted.jks`;
  await Deno.mkdir(serverCache(), { recursive: true });
  await Deno.writeFile(`${path}.${Deno.pid}`, await keyStore(certificates));
  await Deno.rename(`${path}.${Deno.pid}`, path);
  return `-Djavax.net.ssl.trustStore=${path}`;
}

/**
 * A key store in Java's own format, JKS, with certificates only: a header, an entry for each, and a
 * digest that begins with the password and two words, as read by
 * `sun.security.provider.JavaKeyStore` of OpenJDK.
 */
export async function keyStore(certificates: readonly Uint8Array[]): Promise<Uint8Array> {
  const parts = [...certificates.entries()].map(([i, certificate]) =>
    join(number(2), text(`trusted-${i}`), new Uint8Array(8), text("X.509"), sized(certificate))
  );
  const content = join(number(0xfeedfeed), number(2), number(parts.length), ...parts);
  const password = Array.from(PASSWORD, (c) => [0, c.charCodeAt(0)]).flat();
  const whitened = join(
    new Uint8Array(password),
    new TextEncoder().encode("Mighty Aphrodite"),
    content,
  );
  return join(content, new Uint8Array(await crypto.subtle.digest("SHA-1", whitened)));
}

function number(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return join(new Uint8Array([0, value.length]), new TextEncoder().encode(value));
}

function sized(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return join(number(bytes.length), bytes);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
