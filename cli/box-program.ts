import { BOX_PARTS } from './box-parts.ts'
import { runProgram } from './program.ts'

/** Every command a box has; loaded only when something else than a plain `agent run` is asked for. */
export const runBoxProgram = (): Promise<void> => runProgram(BOX_PARTS)
