import { createPadCodec, type PadOutput } from '#agent/pad/codec.ts'
import { describeOutputs } from '#agent/pad/describe-output.ts'
import { decodeCommand } from '#agent/pad/encode.ts'
import { fieldsOf } from '#agent/pad/match.ts'
import { matchWhole } from '#agent/pad/matcher.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { TraceLine, TraceMark } from '#pad-tools/trace.ts'
import { GRADES, type Grade } from '#protocol/grades.ts'

/** A comment of a trace that says what the profile made of the bytes since the one before. */
export const EXPECTATION = '= '

export interface Replay {
  frames: number
  presses: number
  /** Bytes that were no frame, echoes and fillers left out. */
  garbageBytes: number
  problems: string[]
}

/**
 * Plays a recorded trace to a profile. A problem is whatever the profile does not understand, a comment that
 * says something else than the profile (`# = key satisfied`), and a press between `# key 1` (the best face) and the
 * next mark that counts as another grade. Without marks and such comments every byte has to be understood.
 */
export function replayTrace(profile: Profile, lines: readonly TraceLine[]): Replay {
  const codec = createPadCodec(profile)
  const replay: Replay = { frames: 0, presses: 0, garbageBytes: 0, problems: [] }
  const faces = facesOf(profile)
  const hasExpectations = lines.some(isExpectation)
  /** What was said since the last expectation. */
  let unsaid: PadOutput[] = []
  let lastMs = 0
  let mark: TraceMark = { kind: 'idle' }

  const problem = (text: string) => replay.problems.push(`${lastMs} ms: ${text}`)

  function take(outputs: readonly PadOutput[]) {
    for (const output of outputs) {
      unsaid.push(output)
      if (output.kind === 'garbage') {
        if (output.reason !== 'echo' && output.reason !== 'filler') replay.garbageBytes += output.bytes.length
      } else replay.frames += 1
      if (output.kind === 'frame' && output.event.kind === 'key') press(output.event.grade)
      if (!hasExpectations && !isUnderstood(output)) problem(`is not understood: ${describeOutputs(profile, [output])}`)
    }
  }

  function press(grade: Grade) {
    replay.presses += 1
    if (mark.kind !== 'key') return
    const wanted = faces[mark.key - 1]
    if (wanted !== grade)
      problem(`face ${mark.key} was asked for, ${wanted ?? 'which this profile has not'}; found ${grade}`)
  }

  function endPending() {
    if (codec.pendingBytes() > 0) take(codec.silence())
  }

  function expect(text: string) {
    if (describeOutputs(profile, unsaid) !== text) endPending()
    const found = describeOutputs(profile, unsaid)
    if (found !== text) problem(`expected "${text}", found "${found}"`)
    unsaid = []
  }

  for (const line of lines) {
    if (line.kind === 'mark') {
      endPending()
      mark = line.mark
    } else if (line.kind === 'comment') {
      if (isExpectation(line)) expect(line.text.slice(EXPECTATION.length))
    } else {
      if (line.atMs - lastMs >= codec.silenceMs) take(codec.silence())
      lastMs = line.atMs
      if (line.kind === 'from-pad') take(codec.receive(line.bytes, true, line.atMs))
      else codec.sent(line.bytes, stepOf(profile, line.bytes))
    }
  }
  take(codec.silence())
  if (hasExpectations && unsaid.length > 0) problem(`nothing was expected, found "${describeOutputs(profile, unsaid)}"`)
  return replay
}

function isExpectation(line: TraceLine): line is Extract<TraceLine, { kind: 'comment' }> {
  return line.kind === 'comment' && line.text.startsWith(EXPECTATION)
}

/** Whether the profile has a meaning for what came. */
export function isUnderstood(output: PadOutput): boolean {
  if (output.kind === 'garbage') return output.reason === 'echo' || output.reason === 'filler'
  return output.rule !== undefined || output.event.kind === 'acknowledged'
}

/** The grades a pad can give, best first: face 1 is the best, however many there are. */
function facesOf(profile: Profile): Grade[] {
  const given = new Set<string>(profile.events.flatMap(({ keys }) => keys.map(({ meaning }) => meaning)))
  return GRADES.filter(grade => given.has(grade))
}

/** The command that was written, so that its answer is known when it comes; undefined for answers to the pad. */
function stepOf(profile: Profile, bytes: Uint8Array) {
  for (const frame of profile.frames) {
    if (frame.direction !== 'to-pad') continue
    const match = matchWhole(frame, bytes)
    const found = match && decodeCommand(profile, frame.name, fieldsOf(match))
    if (found) return createPadCodec(profile).single(found.command.name, found.values)
  }
  return undefined
}
