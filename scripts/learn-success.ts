import { parseArgs } from 'node:util'
import { POLLED_KINDS, tryPolled } from '#pad-tools/fixtures/polled-pad.ts'
import { createRandom, PAD_KINDS, type PadKind, pressNoise } from '#pad-tools/fixtures/random-pad.ts'
import { QUIET, type Trial, tryLearning } from '#pad-tools/fixtures/try-learning.ts'
import { learn } from '#pad-tools/learn.ts'
import { GRADES } from '#protocol/grades.ts'

/**
 * Prints how many random pads of each kind `pad learn` understands, as the table of docs/pads.md:
 * `node scripts/learn-success.ts --seed 1 --rounds 50`. The seed decides everything; `--kind` looks at one kind
 * and shows what failed.
 */
const NOISY = { noise: 0.15, split: 0.3 }

function measure(kind: PadKind, seed: number, rounds: number, show: boolean) {
  const row = { clean: 0, noisy: 0, withoutChecksum: 0, failures: new Map<string, number>() }
  for (const [name, disturbance] of [
    ['clean', QUIET],
    ['noisy', NOISY],
  ] as const) {
    for (let round = 0; round < rounds; round++) {
      const own = seed * 1_000_003 + PAD_KINDS.indexOf(kind) * 10_007 + round * 2 + Number(name === 'noisy')
      const trial = tryLearning(kind, own, disturbance)
      if (trial.end === 'understood') row[name] += 1
      else {
        if (trial.end === 'checksum-not-seen') row.withoutChecksum += 1
        const word = trial.end === 'refused' ? trial.code : trial.end
        row.failures.set(word, (row.failures.get(word) ?? 0) + 1)
        if (show) showTrial(own, trial)
      }
    }
  }
  return row
}

function showTrial(seed: number, trial: Trial) {
  process.stdout.write(
    `seed ${seed}: ${trial.end} ${'detail' in trial ? trial.detail : 'code' in trial ? trial.code : ''}\n`,
  )
  if (!('heard' in trial)) return
  for (const { key, chunks } of trial.heard.presses) {
    const text = chunks.map(({ atMs, bytes }) => `${atMs}:${Buffer.from(bytes).toString('hex')}`).join(' ')
    process.stdout.write(`  ${key + 1}  ${text}\n`)
  }
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '20' },
    kind: { type: 'string' },
  },
})
const [seed, rounds] = [Number(values.seed), Number(values.rounds)]
const kinds = PAD_KINDS.filter(kind => values.kind === undefined || kind === values.kind)
process.stdout.write('| kind | clean | with noise | otherwise |\n| --- | --- | --- | --- |\n')
for (const kind of kinds) {
  const { clean, noisy, failures } = measure(kind, seed, rounds, values.kind !== undefined)
  const others = [...failures].map(([word, count]) => `${word} ${count}`).join(', ')
  process.stdout.write(`| ${kind} | ${clean}/${rounds} | ${noisy}/${rounds} | ${others} |\n`)
}
for (const kind of POLLED_KINDS.filter(one => values.kind === undefined || one === values.kind)) {
  const ends = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const trial = await tryPolled(kind, seed * 1_000_003 + POLLED_KINDS.indexOf(kind) * 10_007 + round)
    const word = trial.end === 'refused' ? trial.code : trial.end
    ends.set(word, (ends.get(word) ?? 0) + 1)
  }
  const others = [...ends].filter(([word]) => word !== 'understood').map(([word, count]) => `${word} ${count}`)
  process.stdout.write(`| ${kind} | ${ends.get('understood') ?? 0}/${rounds} | | ${others.join(', ')} |\n`)
}
let refused = 0
for (let round = 0; round < rounds * 5; round++) {
  const noise = pressNoise(createRandom(seed * 7919 + round))
  const line = { baud: 9600, parity: 'none' } as const
  if (!learn(noise, { id: 'noise', title: { zh: '干扰', en: 'Noise' }, grades: GRADES, line }).ok) refused += 1
}
process.stdout.write(`| random noise, refused | ${refused}/${rounds * 5} | | |\n`)
