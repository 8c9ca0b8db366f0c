import { PARTS } from './parts.ts'
import { runProgram } from './program.ts'

if (import.meta.main) await runProgram(PARTS)
