/**
 * Reads the API's own description, as an author of a client does: the operations, the values of
 * their parameters, and the form of answers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import type { App } from "../app.ts";

/** The part of JSON Schema that is used. */
export interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly example?: string;
  readonly examples?: readonly string[];
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly example?: string;
  readonly description?: string;
  readonly schema: JsonSchema;
}

type Responses = Readonly<
  Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
>;

/** An operation; all are GET. */
export interface Operation {
  readonly path: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly responses: Responses;
}

/** Values of parameters by name. */
export type Values = Readonly<Record<string, string | undefined>>;

/** An API's description, and requests derived from it. */
export class Description {
  /** Every operation. */
  readonly operations: readonly Operation[];
  readonly #app: App;
  readonly #schemas: object;
  readonly #readers = new Map<object, z.ZodType>();

  private constructor(app: App, document: Document) {
    this.#app = app;
    this.#schemas = document.components.schemas;
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) => {
      assertEquals(Object.keys(methods), ["get"], path);
      const { parameters = [], ...operation } = methods.get!;
      return [{ ...operation, path, parameters }];
    });
  }

  /** Reads the description of an application. */
  static async of(app: App): Promise<Description> {
    const response = await app.fetch(new Request("http://localhost/openapi.json"));
    return new Description(app, await response.json());
  }

  /** The operation at a path of the description. */
  operation(path: string): Operation {
    const found = this.operations.find((operation) => operation.path === path);
    assert(found !== undefined, `${path} is not described`);
    return found;
  }

  /** The address with these values; missing ones are left out. */
  address({ path, parameters }: Operation, values: Values): string {
    const query = new URLSearchParams();
    let address = path;
    for (const { name, in: place } of parameters) {
      const value = values[name];
      if (value === undefined) continue;
      if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
      else query.append(name, value);
    }
    return query.size === 0 ? address : `${address}?${query}`;
  }

  /** Sends a request. */
  async get(address: string, init?: RequestInit): Promise<Response> {
    return await this.#app.fetch(new Request(`http://localhost${address}`, init));
  }

  /**
   * Sends a request, and checks that its answer matches the description. Returns its status and
   * body.
   */
  async check(
    operation: Operation,
    values: Values,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const address = this.address(operation, values);
    const response = await this.get(address);
    const { status } = response;
    const described = operation.responses[status] ?? operation.responses.default;
    assert(described !== undefined, `${address}: ${status} is not described`);
    const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
    const schema = described.content?.[type]?.schema;
    assert(schema !== undefined, `${address}: ${status} with ${type} is not described`);
    if (!type.endsWith("json")) {
      const first = await response.body?.getReader().read();
      return { status, body: new TextDecoder().decode(first?.value as Uint8Array) };
    }
    const body = await response.json();
    const { success, error } = this.#reader(schema).safeParse(body);
    assert(success, `${address}: ${JSON.stringify(body)} is not as described: ${error}`);
    return { status, body };
  }

  #reader(schema: object): z.ZodType {
    const known = this.#readers.get(schema);
    if (known !== undefined) return known;
    const whole = JSON.stringify({ ...schema, $defs: this.#schemas });
    const reader = z.fromJSONSchema(
      JSON.parse(whole.replaceAll("#/components/schemas/", "#/$defs/")),
    );
    this.#readers.set(schema, reader);
    return reader;
  }
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          Omit<Operation, "path" | "parameters"> & Partial<Pick<Operation, "parameters">>
        >
      >
    >
  >;
  readonly components: { readonly schemas: object };
}
