import type { Text } from '#runtime/language.ts'
import type { Board } from './board.ts'
import type { Shows } from './command-schema.ts'
import type { Encoding } from './encoding-names.ts'
import type { EventRule } from './event-rule.ts'
import type { Frame } from './frame.ts'
import type { PadIntent, ProfileFile, ProfileKind } from './profile-schema.ts'
import type { Evidence } from './schema-words.ts'
import type { SiteOverrides, SiteSetting } from './site-schema.ts'
import type { Parameters, Template } from './template.ts'

/** One pad model as the engine uses it: bytes and milliseconds instead of text, checked and frozen. */
export interface Profile {
  readonly id: string
  readonly version: number
  readonly kind: ProfileKind
  /**
   * SHA-256 in hex of what decides the meaning of a press: the file's text in UTF-8 (but for a byte order mark),
   * with the variant and the grades of the site where they differ. A journal names it for disputes.
   */
  readonly hash: string
  readonly title: Text
  readonly evidence: Evidence
  /** Statements that are known better or worse than the profile as a whole, by their path. */
  readonly evidences: readonly { readonly path: string; readonly evidence: Evidence }[]
  readonly source: string
  readonly notes: readonly string[]
  /** Null for the profile as it is written. */
  readonly variant: string | null
  readonly variants: readonly { readonly name: string; readonly title: Text }[]
  readonly line: {
    readonly baud: number
    readonly dataBits: 7 | 8
    readonly parity: 'none' | 'even' | 'odd'
    readonly stopBits: 1 | 2
  }
  /** How the line is opened and closed, beside its settings. */
  readonly opening: Opening
  /** Adapters that this pad is sold with, ids in lower case. Without a port of its own a window takes the one that fits; of several, none. */
  readonly usb: readonly { readonly vendor: string; readonly product: string; readonly name: string }[]
  readonly baudsAllowed: readonly number[]
  /** Null where the line belongs to one pad. */
  readonly address: { readonly default: number; readonly min: number; readonly max: number } | null
  readonly site: readonly SiteSetting[]
  /** What this installation sets differently. */
  readonly overrides: SiteOverrides
  readonly capabilities: Capabilities
  readonly behaviour: Behaviour
  readonly text: { readonly encoding: Encoding; readonly replacement: string; readonly encodings: readonly Encoding[] }
  readonly frames: readonly Frame[]
  readonly events: readonly EventRule[]
  readonly commands: Readonly<Record<string, Command>>
  readonly intents: Readonly<Record<PadIntent, readonly IntentStep[]>>
  /** Null where the pad speaks by itself. */
  readonly poll: Poll | null
  /** Null where the pad cannot be asked; then `healthNone` says why. */
  readonly health: Health | null
  readonly healthNone: string | null
  /** Null for everything that speaks in bytes. */
  readonly board: Board | null
}

export interface Opening {
  readonly flowControl: 'none' | 'hardware' | 'software'
  readonly dtr: 'on' | 'off' | 'unchanged'
  readonly rts: 'on' | 'off' | 'unchanged'
  readonly isHungUpOnClose: boolean
  /** From the opening until the pad listens. */
  readonly startUpMs: number
}

export interface Poll {
  readonly command: string
  readonly idleMs: number
  readonly armedMs: number
  /** Unanswered in a row: the pad is lost. */
  readonly failuresMax: number
}

export interface Health {
  readonly command: string
  /** While nothing else was heard from the pad. */
  readonly everyMs: number
  readonly failuresMax: number
}

/** What a command is answered with. */
export interface Expectation {
  /** Names of event rules; empty where only an echo or silence is expected. */
  readonly events: readonly string[]
  readonly refusals: readonly string[]
  readonly isEcho: boolean
  readonly withinMs: number
  readonly retries: number
  readonly onMissing: 'go-on' | 'succeed' | 'fault'
  /** Time from being accepted to the rating, where the pad answers in two stages. */
  readonly resultWithinMs: number | null
}

export interface Behaviour {
  readonly silenceMs: number
  /** Longest time from the first byte of a frame to its last. */
  readonly frameMs: number
  /** Least time between two writes to the pad. */
  readonly gapMs: number
  readonly echo: 'removed' | 'none'
  readonly filler: readonly number[]
  readonly holdOffMs: number
  readonly stuckAfterMs: number
  /** Null where the pad sends a key once and expects nothing. */
  readonly unansweredRepeats: { readonly everyMs: number; readonly times: number } | null
  readonly heldRepeatsMs: number | null
}

export type Capabilities = Required<NonNullable<ProfileFile['capabilities']>>

export interface Command {
  readonly name: string
  readonly frame: string
  readonly meaning: Text
  readonly fields: Readonly<Record<string, Template>>
  readonly parameters: Parameters
  /** Null where one frame holds everything. */
  readonly segments: { readonly of: string; readonly bytesMax: number } | null
  readonly shows: Shows
  /** Null where the pad answers nothing. */
  readonly expects: Expectation | null
}

export interface IntentStep {
  readonly command: string
  readonly with: Readonly<Record<string, number | string>>
  readonly waitAfterMs: number
}

/** The address a profile's pad answers to: the given one, else the site's, else the profile's. */
export function addressOf(profile: Profile, address?: number): number | null {
  return profile.address ? (address ?? profile.overrides.address ?? profile.address.default) : null
}

export function frameOf(profile: Profile, name: string): Frame {
  const frame = profile.frames.find(candidate => candidate.name === name)
  if (!frame) throw new Error(`profile ${profile.id} has no frame ${name}`)
  return frame
}
