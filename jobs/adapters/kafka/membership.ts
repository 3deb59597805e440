/**
 * Membership in a consumer group: heartbeats in the background, and an assignment that changes as
 * members come and go. It determines which partitions are read, not from where: offsets are the
 * subscription's own, and those stored in the group serve monitoring only.
 *
 * @module
 */

import { hasCode, partitionName } from "@pipeline/core";
import { Buffer } from "node:buffer";
import { type Clock, Lifetime, type RetryOptions, withTimeout } from "@pipeline/runtime";
import { assign, type Assignment, type MemberState } from "./_assignment.ts";
import {
  AssignerProtocol,
  type Broker,
  type ClientOptions,
  type Cluster,
  createCluster,
  type GroupMember,
} from "./_kafkajs.ts";
import { protocolError, toPipelineError } from "./errors.ts";

/** Options and callbacks of a member. */
export interface MembershipOptions {
  /** The group. */
  readonly group: string;
  /** Topics to share; they must exist. */
  readonly topics: readonly string[];
  /** Milliseconds of silence after which other members take over. */
  readonly sessionTimeout: number;
  /** Source of time. */
  readonly clock: Clock;
  /** Called with the number of failed attempts to join. */
  readonly retry?: Pick<RetryOptions, "onRetry" | "onSettled"> | undefined;
  /** A partition was assigned. */
  assigned(topic: string, partition: number): void;
  /** A partition is being revoked; resolves once no work on it is pending. */
  revoked(topic: string, partition: number): Promise<void>;
}

/** Milliseconds that members have to rejoin after a member has come or gone. */
const REBALANCE_TIMEOUT = 30_000;

/** Milliseconds between attempts while the group's broker is unavailable. */
const PAUSE = 300;

/**
 * Milliseconds after which any request is abandoned: longer than other members may take to rejoin.
 */
const LONGEST = 2 * REBALANCE_TIMEOUT;

/** Time limit of LeaveGroup, in milliseconds. If it fails, the broker removes the member when its session expires. */
const LEAVE_TIMEOUT = 3_000;

/** Name of the assignment protocol; members with another one are refused. */
const PROTOCOL = "modulo-cooperative";

/** One member of a group. */
export class Membership {
  readonly #o: MembershipOptions;
  readonly #cluster: Cluster;
  readonly #life = new Lifetime();
  /** Owned partitions by topic, including those that are being revoked. */
  readonly #owned = new Map<string, Set<number>>();
  readonly #revoking = new Set<string>();
  readonly #running: Promise<void>;
  #coordinator: Broker | undefined;
  #memberId = "";
  #generation = -1;
  #again = false;
  /** Number of failed joins in a row. */
  #failed = 0;

  /** Joins the group. */
  constructor(client: ClientOptions, options: MembershipOptions) {
    this.#o = options;
    this.#cluster = createCluster(client);
    this.#running = this.#run().catch(this.#life.fail);
  }

  /** Rejects if the group cannot be joined; resolves after {@linkcode leave}. */
  get done(): Promise<void> {
    return this.#life.done;
  }

  /** Leaves the group: the other members take over at once. Revoke all partitions before. */
  async leave(): Promise<void> {
    this.#life.end();
    await settledWithin(this.#running, LEAVE_TIMEOUT);
    const { group } = this.#o;
    if (this.#memberId !== "" && this.#coordinator !== undefined) {
      const left = this.#coordinator.leaveGroup({ groupId: group, memberId: this.#memberId });
      await settledWithin(left, LEAVE_TIMEOUT);
    }
    await settledWithin(this.#cluster.disconnect(), LEAVE_TIMEOUT);
  }

  /** Commits an offset of an owned partition to the group, for monitoring. */
  async mark(topic: string, partition: number, offset: number): Promise<void> {
    const { group: groupId } = this.#o;
    try {
      if (this.#coordinator === undefined) throw new Error("The group was not joined yet");
      const coordinator = this.#coordinator;
      await this.#bounded(() =>
        coordinator.offsetCommit({
          groupId,
          groupGenerationId: this.#generation,
          memberId: this.#memberId,
          topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }],
        })
      );
    } catch (error) {
      throw toPipelineError(error, `Marking an offset of the group ${groupId}`);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#life;
    while (!signal.aborted) {
      try {
        const coordinator = await this.#bounded(() => this.#find());
        this.#coordinator = coordinator;
        while (!signal.aborted) {
          await this.#bounded(() => this.#join(coordinator));
          this.#settled(true);
          await this.#beat(coordinator);
        }
      } catch (error) {
        if (signal.aborted) break;
        this.#learn(error);
        await this.#pause(PAUSE);
      }
    }
    this.#settled(false);
  }

  async #find(): Promise<Broker> {
    const { topics, group: groupId } = this.#o;
    await this.#cluster.connect();
    await this.#cluster.addMultipleTargetTopics(topics);
    return await this.#cluster.findGroupCoordinator({ groupId });
  }

  /** As in the fetcher: the client may leave a request unsettled. */
  #bounded<T>(work: () => Promise<T>): Promise<T> {
    const what = `Kafka, asked about the group ${this.#o.group},`;
    return withTimeout(work, { ms: LONGEST, what, clock: this.#o.clock });
  }

  /** Ends the report of retries. */
  #settled(ok: boolean): void {
    if (this.#failed > 1) this.#o.retry?.onSettled?.(this.#failed, ok);
    this.#failed = 0;
  }

  /** Updates the state after an error; throws errors that a retry cannot help. */
  #learn(error: unknown): void {
    const type = protocolError(error);
    // The group has forgotten us: join as a new member.
    if (type === "UNKNOWN_MEMBER_ID" || type === "ILLEGAL_GENERATION") this.#memberId = "";
    const problem = toPipelineError(error, `Joining the group ${this.#o.group}`);
    if (hasCode(problem, "invalid")) {
      this.#settled(false);
      throw problem;
    }
    // A single failure is normal whenever members come and go.
    if (++this.#failed < 2) return;
    this.#o.retry?.onRetry?.({ attempt: this.#failed - 1, delay: PAUSE, error: problem });
  }

  async #join(coordinator: Broker): Promise<void> {
    const { group: groupId, topics, sessionTimeout } = this.#o;
    this.#again = false;
    const owned = Object.fromEntries([...this.#owned].map(([topic, set]) => [topic, [...set]]));
    const joined = await coordinator.joinGroup({
      groupId,
      sessionTimeout,
      rebalanceTimeout: REBALANCE_TIMEOUT,
      memberId: this.#memberId,
      groupProtocols: [{ name: PROTOCOL, metadata: encodeState(topics, owned) }],
    });
    const { generationId, memberId, leaderId, members } = joined;
    this.#memberId = memberId;
    this.#generation = generationId;
    const { memberAssignment } = await coordinator.syncGroup({
      groupId,
      generationId,
      memberId,
      groupAssignment: memberId === leaderId ? await this.#assign(members) : [],
    });
    const decoded = AssignerProtocol.MemberAssignment.decode(Buffer.from(memberAssignment));
    this.#adopt(decoded?.assignment ?? {});
  }

  /** As the group's leader, assigns partitions to members. */
  async #assign(members: readonly GroupMember[]) {
    await this.#cluster.refreshMetadata();
    const partitions = new Map(
      this.#o.topics.map((topic) =>
        [topic, this.#cluster.findTopicPartitionMetadata(topic).length] as const
      ),
    );
    return [...assign(members.map(decodeState), partitions)].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0,
        assignment,
        userData: Buffer.alloc(0),
      }),
    }));
  }

  /** Revokes partitions in the background, and takes newly assigned ones. */
  #adopt(assignment: Assignment): void {
    for (const [topic, partitions] of this.#owned) {
      for (const partition of partitions) {
        if (assignment[topic]?.includes(partition) !== true) this.#revoke(topic, partition);
      }
    }
    for (const [topic, partitions] of Object.entries(assignment)) {
      const owned = this.#owned.get(topic) ?? new Set();
      this.#owned.set(topic, owned);
      for (const partition of partitions) {
        if (owned.has(partition)) continue;
        owned.add(partition);
        this.#o.assigned(topic, partition);
      }
    }
  }

  #revoke(topic: string, partition: number): void {
    const name = partitionName(topic, partition);
    if (this.#revoking.has(name)) return;
    this.#revoking.add(name);
    this.#o.revoked(topic, partition).then(() => {
      this.#revoking.delete(name);
      this.#owned.get(topic)?.delete(partition);
      // Only now it can be assigned to another member.
      this.#again = true;
    }).catch(this.#life.fail);
  }

  /** Sends heartbeats until a rejoin is due. */
  async #beat(coordinator: Broker): Promise<void> {
    const { group: groupId, sessionTimeout } = this.#o;
    let since = 0;
    while (!this.#life.signal.aborted && !this.#again) {
      // Revoked partitions are reported soon; heartbeats are less frequent.
      await this.#pause(Math.min(100, sessionTimeout / 10));
      since += 100;
      if (since < sessionTimeout / 10) continue;
      since = 0;
      try {
        await this.#bounded(() =>
          coordinator.heartbeat({
            groupId,
            groupGenerationId: this.#generation,
            memberId: this.#memberId,
          })
        );
      } catch (error) {
        if (protocolError(error) === "REBALANCE_IN_PROGRESS") return;
        throw error;
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await this.#o.clock.sleep(ms, this.#life.signal).catch(() => {});
  }
}

function encodeState(topics: readonly string[], owned: Assignment): Uint8Array {
  return AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics: [...topics],
    userData: Buffer.from(JSON.stringify(owned)),
  });
}

function decodeState({ memberId, memberMetadata }: GroupMember): MemberState {
  const decoded = AssignerProtocol.MemberMetadata.decode(Buffer.from(memberMetadata));
  const owned = decoded?.userData.toString() ?? "";
  return {
    id: memberId,
    topics: decoded?.topics ?? [],
    owned: owned === "" ? {} : JSON.parse(owned),
  };
}

/** Waits until work has settled, but only for a limited time. */
async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([work.catch(() => {}), over]);
  clearTimeout(timer);
}
