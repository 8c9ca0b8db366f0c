import { execFile, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import { encode } from 'cborg'
import { beforeEach, describe, expect, test } from 'vitest'
import { toHex } from '#protocol/codec.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const SCRIPT = join(import.meta.dirname, 'check-chain.py')
const VECTORS = join(import.meta.dirname, '../test/vectors')
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) process.stderr.write('SKIPPED: python3 is not installed, scripts/check-chain.py was NOT tested\n')
const run = promisify(execFile)

/** What the script says and how it ends. */
async function check(folder: string): Promise<{ code: number; output: string }> {
  try {
    return { code: 0, output: (await run('python3', [SCRIPT, folder])).stdout }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, output: stdout + stderr }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a vector file is taken apart at will
function checkChanged(name: string, change: (content: any) => void) {
  const folder = temporaryFolder()
  cpSync(VECTORS, folder, { recursive: true })
  const content = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  change(content)
  writeFileSync(join(folder, name), JSON.stringify(content))
  return check(folder)
}

const flip = (hex: string, at: number) => hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1)

const packedOf = (packed: Uint8Array) => toHex(encode({ packed, version: 1 }))

describe('the auditor’s script, which shares no code with the product,', () => {
  beforeEach(context => {
    context.skip(!hasPython, 'python3 is not installed: scripts/check-chain.py was NOT tested')
  })

  test('finds every hash, number and signature of the vectors good', async () => {
    const { code, output } = await check(VECTORS)
    expect(output).not.toContain('FAULT')
    expect(output.match(/^ok /gm)?.length).toBe(8)
    expect(code).toBe(0)
  })

  // biome-ignore lint/suspicious/noExplicitAny: a vector file is taken apart at will
  test.each<[string, string, (content: any) => void, string]>([
    [
      'a changed byte',
      'chains.json',
      c => (c[0].entries[4].bytes = flip(c[0].entries[4].bytes, 90)),
      'entry 5: its bytes',
    ],
    ['a changed value', 'chains.json', c => (c[0].entries[3].entry.body.window = 'A02'), 'entry 4: its bytes'],
    ['a changed hash', 'chains.json', c => (c[0].entries[6].hash = flip(c[0].entries[6].hash, 0)), 'entry 7: its hash'],
    ['a lost entry', 'chains.json', c => c[0].entries.splice(8, 1), 'entry 9: its number is 10'],
    [
      'a lost entry, numbers closed up',
      'chains.json',
      c => {
        c[0].entries.splice(8, 1)
        for (const [i, entry] of c[0].entries.entries()) entry.seq = i + 1
      },
      'entry 9: its hash',
    ],
    [
      'two entries swapped',
      'chains.json',
      c => ([c[0].entries[1], c[0].entries[2]] = [c[0].entries[2], c[0].entries[1]]),
      'entry 2: its number',
    ],
    ['another epoch', 'chains.json', c => (c[0].epoch = flip(c[0].epoch, 3)), 'entry 1: its hash'],
    ['another box', 'chains.json', c => (c[0].box = 'box-vector-2'), 'entry 1: its hash'],
    [
      'a byte behind the end',
      'chains.json',
      c => (c[0].entries[2].bytes += '00'),
      'entry 3: there are bytes behind the end',
    ],
    [
      'a length that takes more bytes than it needs',
      'chains.json',
      c => (c[0].entries[2].bytes = c[0].entries[2].bytes.replace('64626f6479', '7804626f6479')),
      'entry 3: a number takes more bytes',
    ],
    [
      'a changed signature',
      'batches.json',
      c => (c[1].bytes = c[1].bytes.replace(/(697369676e61747572655840..)../, '$1ff')),
      'batch from 5: its signature',
    ],
    [
      'a batch of another place',
      'batches.json',
      c => (c[1].bytes = c[1].bytes.replace('65666972737405', '65666972737406')),
      'does not hang onto entry 5',
    ],
    [
      'a receipt for more',
      'receipts.json',
      c => (c[0].bytes = c[0].bytes.replace('6373657104', '637365710f')),
      'receipt up to 15: it names another hash',
    ],
    [
      'a receipt of another time',
      'receipts.json',
      c => (c[0].bytes = c[0].bytes.replace('6261741b00000', '6261741b00001')),
      'its signature does not hold',
    ],
    ['a packed batch of another content', 'packed.json', c => (c[0].bytes = flip(c[0].bytes, 300)), 'packed'],
    [
      'a packed batch with something behind its end',
      'packed.json',
      c => (c[0].packed = packedOf(Buffer.concat([deflateRawSync(Buffer.from(c[0].bytes, 'hex')), Buffer.of(0)]))),
      'does not end where its bytes do',
    ],
    [
      'a packed batch that would become too big',
      'packed.json',
      c => (c[0].packed = packedOf(deflateRawSync(Buffer.alloc(300_000)))),
      'inflates to more than 262144 bytes',
    ],
    [
      'a packed batch that does not inflate',
      'packed.json',
      c => (c[0].packed = packedOf(Buffer.of(0xff, 0xff))),
      'does not inflate',
    ],
    ['the key of another', 'keys.json', c => (c.box.public = c.collector.public), 'its signature does not hold'],
  ])('names the place of %s', async (_, name, change, fault) => {
    const { code, output } = await checkChanged(name, change)
    expect(output).toMatch(/^FAULT /m)
    expect(output).toContain(fault)
    expect(code).toBe(1)
  })

  test('checks batches that travelled packed like others', async () => {
    const packed = JSON.parse(readFileSync(join(VECTORS, 'packed.json'), 'utf8'))[0].packed
    const { output } = await checkChanged('batches.json', c => (c[2].bytes = packed))
    expect(output).toContain('ok  batch of 10, signed by the box')
    expect(output).not.toContain('FAULT')
  })

  test('does not call an empty folder good', async () => {
    expect((await check(temporaryFolder())).code).not.toBe(0)
    expect(await checkChanged('chains.json', content => content.splice(0))).toMatchObject({ code: 1 })
  })
})
