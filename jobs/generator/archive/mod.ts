/**
 * Real Reddit archives: as history, or replayed onto the log.
 *
 * @module
 */

export { archiveLoadId, type ArchiveRun, loadArchive, type RejectedLine } from "./load.ts";
export {
  type ArchiveKind,
  DELETED_USER,
  kindByName,
  type OnRepair,
  readArchiveLine,
  type Repair,
} from "./mapping.ts";
export { archiveSize, openArchive, type OpenOptions } from "./open.ts";
export { ArchiveReplay, type ReplayOptions, type ReplayRun, type ReplayStatus } from "./replay.ts";
