/**
 * Titles and bodies: pools of pseudo-English of realistic lengths, with the
 * characters that break careless code (quotes, line ends, accents, emoji).
 *
 * @module
 */

import { Random } from "./random.ts";

const WORDS = (
  "the of and to a in is that for it was on are as with they at be this from have or by one had " +
  "not but what all were when we there can an your which their said if do will each about how up " +
  "out them then she many some so these would other into has more her two like him see time could " +
  "no make than first been its who now people my made over did down only way find use may water " +
  "long little very after words called just where most know get through back much before go good " +
  "new write our used me man too any day same right look think also around another came come work " +
  "three word must because does part even place well such here take why help put different away " +
  "again off went old number great tell men say small every found still between name should home " +
  "big give air line set own under read last never us left end along while might next sound below " +
  "saw something thought both few those always looked show large often together asked house world " +
  "going want school important until form food keep children feet land side without boy once " +
  "animals life enough took sometimes four head above kind began almost live page got earth need " +
  "far hand high year mother light parts country father let night following picture being study"
).split(" ");

const SPICE = ['"quoted"', "isn't", "naïve", "café", "C:\\temp", "— really —", "日本", "🙂", "50%"];

/** Body lengths in characters at even quantiles: short answers, a long tail. */
const LENGTHS = [8, 16, 24, 34, 44, 55, 68, 82, 98, 118, 145, 185, 250, 360, 700];

const BODIES = 4096;
const TITLES = 2048;

/** Texts of one seed. They repeat after some thousand draws. */
export class Texts {
  readonly #bodies: readonly string[];
  readonly #titles: readonly string[];

  constructor(seed: number) {
    const random = new Random(seed, "texts");
    // Parsed from JSON they are flat strings, which are several times as fast to encode.
    this.#bodies = flat(Array.from({ length: BODIES }, () => body(random)));
    this.#titles = flat(
      Array.from({ length: TITLES }, () => sentence(random, 20 + random.below(70))),
    );
  }

  /** Text of a comment or a text post. */
  body(random: Random): string {
    return this.#bodies[random.below(BODIES)]!;
  }

  /** A title of 20 to 100 characters. */
  title(random: Random): string {
    return this.#titles[random.below(TITLES)]!;
  }
}

function flat(texts: readonly string[]): readonly string[] {
  return JSON.parse(JSON.stringify(texts));
}

function body(random: Random): string {
  const at = random.float() * (LENGTHS.length - 1);
  const below = LENGTHS[Math.floor(at)]!;
  const above = LENGTHS[Math.floor(at) + 1]!;
  const length = below + (above - below) * (at - Math.floor(at));
  const sentences: string[] = [];
  for (let left = length; left > 0; left -= sentences.at(-1)!.length + 1) {
    sentences.push(sentence(random, Math.min(left, 30 + random.below(90))));
  }
  return sentences.join(random.chance(150) ? "\n\n" : " ");
}

/** At least one word, then words as long as the text stays below `length`. */
function sentence(random: Random, length: number): string {
  let text = word(random);
  for (let next = word(random); text.length + next.length < length - 1; next = word(random)) {
    text += ` ${next}`;
  }
  return `${text[0]!.toUpperCase()}${text.slice(1)}${random.chance(120) ? "?" : "."}`;
}

function word(random: Random): string {
  if (random.chance(1)) return SPICE[random.below(SPICE.length)]!;
  // The product of two uniform numbers favours the front, where the common words are.
  return WORDS[Math.floor(random.float() * random.float() * WORDS.length)]!;
}
