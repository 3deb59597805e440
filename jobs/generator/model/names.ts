/**
 * Names of subreddits and users by rank: the same everywhere, whatever the seed.
 *
 * @module
 */

const SUBREDDITS = (
  "AskReddit funny pics todayilearned worldnews science gaming movies Music aww technology " +
  "programming explainlikeimfive books history space dataisbeautiful Futurology DIY food Art " +
  "photography travel Fitness personalfinance LifeProTips sports soccer nba television " +
  "askscience philosophy math Physics chemistry biology linux opensource javascript typescript " +
  "python rust golang kubernetes devops dataengineering MachineLearning datascience compsci " +
  "webdev gamedev sysadmin homelab selfhosted buildapc hardware apple android Cooking " +
  "Baking Coffee tea gardening houseplants woodworking crafts knitting running cycling hiking " +
  "camping climbing chess boardgames rpg patientgamers anime manga comics scifi fantasy " +
  "horror writing poetry languagelearning etymology maps geography architecture design " +
  "urbanplanning trains astronomy Astrophotography birding cats dogs aquariums Parenting " +
  "Teachers college jobs careerguidance startups economics investing legaladvice OutOfTheLoop"
).split(" ");

const FIRST = (
  "quiet amber brave calm clever cosmic crisp dusty eager faint fuzzy gentle giant golden happy " +
  "hidden humble icy jolly keen lazy lucky lunar mellow mighty misty neat noble odd pale plain " +
  "proud quick rapid rusty salty sharp shy silent silver sleepy sly small solar spicy steady " +
  "sunny swift tidy tiny vivid warm wild wise witty young zesty"
).split(" ");

const SECOND = (
  "otter badger falcon heron lynx marten newt osprey panda quail raven salmon tapir urchin viper " +
  "walrus yak zebra acorn birch cedar daisy elm fern grove hazel iris juniper kelp lichen maple " +
  "nettle olive pine reed sage thistle willow anvil beacon canyon delta ember fjord glacier harbor " +
  "island kettle lantern meadow nebula orbit pebble quarry river summit tunnel valley window"
).split(" ");

/** The name of the subreddit of a rank (0 is the most popular): distinct for distinct ranks. */
export function subredditName(rank: number): string {
  const known = SUBREDDITS[rank];
  if (known !== undefined) return known;
  const [first, second, round] = pair(rank - SUBREDDITS.length);
  return `${first}${second[0]!.toUpperCase()}${second.slice(1)}${round === 0 ? "" : round + 1}`;
}

/** The name of the user of a rank: distinct for distinct ranks. */
export function userName(rank: number): string {
  const [first, second, round] = pair(rank);
  return `${first}_${second}${round === 0 ? "" : `_${round + 1}`}`;
}

/** Every pair once in a scattered order, then again with the next round number. */
function pair(index: number): [first: string, second: string, round: number] {
  const count = FIRST.length * SECOND.length;
  // 1,009 is prime and not a factor of the number of pairs, so the walk visits all of them.
  const at = index * 1009 % count;
  return [
    FIRST[at % FIRST.length]!,
    SECOND[Math.floor(at / FIRST.length)]!,
    Math.floor(index / count),
  ];
}
