/**
 * Certificates that live as long as a test.
 *
 * @module
 */

// Needed by the library below, and imported before it.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate and its key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs for tests. */
export class Authority {
  readonly #keys: CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
  }

  /** Makes one that nobody knows. */
  static async create(): Promise<Authority> {
    const keys = await generate();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=An authority of tests",
      keys,
      signingAlgorithm: ALGORITHM,
      ...validFor(1),
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new Authority(keys, certificate);
  }

  /** Its own certificate, PEM. */
  get cert(): string {
    return this.#certificate.toString("pem");
  }

  /** Signs a certificate for a name or an address; `days` below 0 for one that has expired. */
  async sign(
    name: { readonly type: "dns" | "ip"; readonly value: string },
    { days = 1 }: { readonly days?: number } = {},
  ): Promise<Certificate> {
    const keys = await generate();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: "CN=A server of tests",
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      ...validFor(days),
      extensions: [new x509.SubjectAlternativeNameExtension([name])],
    });
    const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
    return {
      cert: certificate.toString("pem"),
      key: x509.PemConverter.encode(key.buffer, "PRIVATE KEY"),
    };
  }
}

async function generate(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as CryptoKeyPair;
}

/** From the day before until so many days from now. */
function validFor(days: number): { notBefore: Date; notAfter: Date } {
  const day = 86_400_000;
  const now = Date.now();
  return {
    notBefore: new Date(now - Math.max(1, 1 - days) * day),
    notAfter: new Date(now + days * day),
  };
}
