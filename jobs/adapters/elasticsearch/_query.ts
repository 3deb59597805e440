/**
 * Translates queries into the server's language.
 *
 * @module
 */

import {
  BATCH_PART,
  queryFields,
  type StoredDocument,
  type ViewName,
  type ViewQuery,
} from "@pipeline/core";
import type { Layers } from "./_indices.ts";
import { hasField, ID_FIELD } from "./mappings.ts";

/** One condition of a search. */
export type Condition = Readonly<Record<string, unknown>>;

/** A field and its direction; documents without the field count as -1. */
type Order = readonly [field: string, way: "asc" | "desc"];

const ORDERS: Readonly<Record<ViewQuery["order"], readonly Order[]>> = {
  id: [],
  rank: [["score", "desc"], ["created_utc", "desc"], ["post_id", "desc"]],
  window: [["window_start", "asc"]],
  latest: [["window_start", "desc"]],
};

/** The layers whose documents a query may select. */
export function layersOf({ layer, parts }: Pick<ViewQuery, "layer" | "parts">): Layers {
  return {
    batch: layer !== "speed" && (parts === undefined || parts.includes(BATCH_PART)),
    speed: layer !== "batch" &&
      (parts === undefined || parts.some((part) => part !== BATCH_PART)),
  };
}

/** The parts of a search request that follow from a query. */
export interface SearchBody {
  /** Conditions without scores. */
  readonly query: {
    readonly bool: { readonly filter: Condition[]; readonly must_not: Condition[] };
  };
  /** A total order: it ends with the id. */
  readonly sort: Condition[];
  /** The sort values of the document after which to continue. */
  readonly search_after?: (string | number)[];
  /** Page size. */
  readonly size: number;
}

/** A query as a search request. Values are passed as values, never parsed as syntax. */
export function searchBody(view: ViewName, query: ViewQuery): SearchBody {
  const filter: Condition[] = [];
  const mustNot: Condition[] = [];
  const term = (field: string, value: string | undefined) => {
    if (value !== undefined) filter.push({ term: { [field]: { value } } });
  };
  for (const field of ["type", "subreddit", "user_id", "window"] as const) {
    term(field, query[field]);
  }
  const batch = { term: { part: { value: BATCH_PART } } };
  if (query.layer !== undefined) (query.layer === "batch" ? filter : mustNot).push(batch);
  if (query.parts !== undefined) filter.push({ terms: { part: query.parts } });
  if (query.from !== undefined || query.to !== undefined) {
    const below = query.to === undefined ? {} : { lt: query.to };
    filter.push({ range: { window_start: { gte: query.from ?? 0, ...below } } });
  }
  const orders = ORDERS[query.order].filter(([field]) => hasField(view, field));
  return {
    query: { bool: { filter, must_not: mustNot } },
    sort: [...orders.map(toSort), { [ID_FIELD]: { order: "asc" } }],
    ...(query.after && { search_after: sortValues(orders, query.after) }),
    size: query.limit,
  };
}

function toSort([field, order]: Order): Condition {
  return { [field]: field === "window_start" ? { order, missing: -1 } : { order } };
}

function sortValues(orders: readonly Order[], { id, body }: StoredDocument): (string | number)[] {
  const fields = queryFields(body) as unknown as Record<string, string | number>;
  return [...orders.map(([field]) => fields[field]!), id];
}
