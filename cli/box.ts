import { BOX_PARTS } from './parts.ts'
import { runProgram } from './program.ts'

// The entry of the agent's one file (scripts/build.ts): `node dist/agent/agent.js agent run --config …`.
if (import.meta.main) await runProgram(BOX_PARTS)
