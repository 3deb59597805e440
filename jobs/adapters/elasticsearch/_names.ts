/**
 * Names of indices, aliases and templates.
 *
 * @module
 */

import { viewAlias, viewIndex, type ViewName, VIEWS } from "@pipeline/core";

/** How the name of an index of speed's documents ends. */
const LIVE = "-live";

/** The names under one prefix. */
export class Names {
  /** Index of the control documents. */
  readonly control: string;
  /** Alias through which control documents are written. */
  readonly controlWrites: string;
  /**
   * Alias of the control index until the first generation is served. The first switch removes it in
   * the same step, so that only one switch can be the first.
   */
  readonly unserved: string;
  /** Matches the indices of all views and generations. */
  readonly allIndices: readonly string[];

  constructor(readonly prefix: string) {
    this.control = `${prefix}pipeline_control_v1`;
    this.controlWrites = writes(this.control);
    this.unserved = `${this.control}.unserved`;
    this.allIndices = VIEWS.map((view) => this.pattern(view));
  }

  /** The alias under which a view is served. */
  alias(view: ViewName): string {
    return this.prefix + viewAlias(view);
  }

  /** The index of batch's documents of a view in a generation. */
  index(view: ViewName, generation: number): string {
    return this.prefix + viewIndex(view, generation);
  }

  /** The index of speed's documents of a view in a generation. */
  live(view: ViewName, generation: number): string {
    return this.index(view, generation) + LIVE;
  }

  /** The indices of batch's documents of a generation. */
  indices(generation: number): string[] {
    return VIEWS.map((view) => this.index(view, generation));
  }

  /** The indices of speed's documents of a generation. */
  lives(generation: number): string[] {
    return VIEWS.map((view) => this.live(view, generation));
  }

  /**
   * The hidden alias through which a view of a generation is written. It disappears with its index:
   * a request that requires an alias never creates an index.
   */
  writes(view: ViewName, generation: number): string {
    return writes(this.index(view, generation));
  }

  /** The hidden alias through which speed writes a view of a generation. */
  liveWrites(view: ViewName, generation: number): string {
    return writes(this.live(view, generation));
  }

  /** Matches the indices of a view; without the star it is the name of their template. */
  pattern(view: ViewName): string {
    return `${this.alias(view)}-*`;
  }

  /** The generation of an index of views; `undefined` for any other index. */
  generation(index: string): number | undefined {
    for (const view of VIEWS) {
      const start = `${this.alias(view)}-`;
      const rest = index.startsWith(start) ? index.slice(start.length) : "";
      const number = rest.endsWith(LIVE) ? rest.slice(0, -LIVE.length) : rest;
      if (/^\d{6,}$/.test(number)) return Number(number);
    }
    return undefined;
  }
}

function writes(index: string): string {
  return `${index}.write`;
}
