/**
 * Assigns partitions to the members of a group. A partition moves only after its old owner has
 * revoked it: until then it is unassigned, as in Kafka's cooperative protocol (KIP-429).
 *
 * @module
 */

/** Partitions by topic. */
export type Assignment = Readonly<Record<string, readonly number[]>>;

/** A member as known to the group's leader. */
export interface MemberState {
  readonly id: string;
  readonly topics: readonly string[];
  /** The partitions that it owns now. */
  readonly owned: Assignment;
}

/**
 * Assigns partition p of every topic to one member, so that keys shared by topics stay together. A
 * partition that another member still owns stays unassigned this time.
 *
 * @param partitions number of partitions by topic.
 */
export function assign(
  members: readonly MemberState[],
  partitions: ReadonlyMap<string, number>,
): Map<string, Record<string, number[]>> {
  const ordered = members.toSorted((a, b) => a.id < b.id ? -1 : 1);
  const assignment = new Map<string, Record<string, number[]>>(
    ordered.map(({ id }) => [id, Object.create(null)]),
  );
  for (const [topic, count] of partitions) {
    const takers = ordered.filter(({ topics }) => topics.includes(topic));
    if (takers.length === 0) continue;
    for (let partition = 0; partition < count; partition++) {
      const taker = takers[partition % takers.length]!;
      const held = ordered.some((member) =>
        member !== taker && member.owned[topic]?.includes(partition) === true
      );
      if (!held) (assignment.get(taker.id)![topic] ??= []).push(partition);
    }
  }
  return assignment;
}
