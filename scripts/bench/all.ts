import { busy } from './busy.ts'
import { decode } from './decode.ts'
import { drain } from './drain.ts'
import { idle } from './idle.ts'
import { ingest } from './ingest.ts'
import { lifeBytes } from './life-bytes.ts'
import type { Measurement } from './measurement.ts'
import { month } from './month.ts'
import { press } from './press.ts'
import { profileLoad } from './profile-load.ts'
import { reconnect } from './reconnect.ts'
import { start } from './start.ts'
import { thanks } from './thanks.ts'
import { verify } from './verify.ts'
import { wire } from './wire.ts'

/** Everything that is measured, in the order of the path of a rating. */
export const MEASUREMENTS: readonly Measurement[] = [
  decode,
  profileLoad,
  press,
  thanks,
  busy,
  lifeBytes,
  wire,
  start,
  month,
  idle,
  ingest,
  drain,
  reconnect,
  verify,
]
