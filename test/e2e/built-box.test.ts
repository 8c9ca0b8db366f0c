import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { panelOpenapi } from '#agent/panel/openapi.ts'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { BUILT_AGENT, startProgram } from '#scripts/program.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

/** What is different about the box as it is built: what it loads late, and what it keeps for its next start. */

interface BoxFolder {
  file: string
  configure(settings: { window?: string; ask?: string }): void
  keptFile: string
}

async function boxFolder(): Promise<BoxFolder> {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1'])
  const file = join(dir, 'agent.yaml')
  const configure: BoxFolder['configure'] = ({ window = 'A01', ask = '60s' }) => {
    const windows = [{ window, profile: 'generic-pj06', port: '/dev/no-such-pad' }]
    writeFileSync(
      file,
      stringify({ identity: 'boxes/box-1', windows, session: { ask }, panel: { port: 0 }, logLevel: 'silent' }),
    )
  }
  configure({})
  return { file, configure, keptFile: join(dir, '.agent.yaml.kept.json') }
}

/** Starts the built box, asks it something and stops it. */
async function whileRunning<T>(
  file: string,
  ask: (url: string) => Promise<T>,
  env: NodeJS.ProcessEnv = {},
): Promise<T> {
  const box = await startProgram(['agent', 'run', '--config', file], { entry: BUILT_AGENT, env })
  try {
    return await ask(String(box.ready['url']))
  } finally {
    await box.stop()
  }
}

const windowsOf = async (url: string) => {
  const { windows } = (await (await fetch(`${url}/v1/state`)).json()) as { windows: { window: string }[] }
  return windows.map(({ window }) => window)
}

const run = (...args: string[]) => spawnSync(process.execPath, [BUILT_AGENT, ...args], { encoding: 'utf8' })

test('the box was built', context => {
  if (!existsSync(BUILT_AGENT)) context.skip('no built box: npm run build')
})

describe.skipIf(!existsSync(BUILT_AGENT))('the built box', () => {
  test('keeps its settings for the next start, and reads them anew when a file or the environment says otherwise', async () => {
    const { file, configure, keptFile } = await boxFolder()
    expect(await whileRunning(file, windowsOf)).toEqual(['A01'])
    // Proof that the second start takes what was kept: it says something that no file says.
    writeFileSync(keptFile, readFileSync(keptFile, 'utf8').replaceAll('"window":"A01"', '"window":"KEPT"'))
    expect(await whileRunning(file, windowsOf)).toEqual(['KEPT'])
    const other = { CHUANGPING_AGENT_SESSION_ASK: '30s' }
    expect(await whileRunning(file, windowsOf, other)).toEqual(['A01'])
    configure({ window: 'B02' })
    expect(await whileRunning(file, windowsOf, other)).toEqual(['B02'])
  })

  test('starts when what it kept is damaged, and where it cannot keep anything', async () => {
    const { file, keptFile } = await boxFolder()
    writeFileSync(keptFile, '{"reader":')
    expect(await whileRunning(file, windowsOf)).toEqual(['A01'])
    const nowhere = { CACHE_DIRECTORY: join(file, 'no-folder') }
    expect(await whileRunning(file, windowsOf, nowhere)).toEqual(['A01'])
  })

  test('refuses settings that are wrong, with place and cure, also after it had kept good ones', async () => {
    const { file, configure } = await boxFolder()
    await whileRunning(file, windowsOf)
    configure({ ask: 'a while' })
    const refused = run('agent', 'run', '--config', file)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(/agent\.yaml:\d+:\d+ {2}session\.ask {2}must match pattern/)
    expect(JSON.parse(run('agent', 'run', '--config', file, '--json').stdout)).toMatchObject({ code: 'file-not-valid' })
  })

  test('says what is wrong with a request, and describes its API, as the sources do', async () => {
    const { file } = await boxFolder()
    await whileRunning(file, async url => {
      const refused = await fetch(`${url}/v1/prompts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ for: { case: 'a b', service: 0 } }),
      })
      expect(await refused.json()).toMatchObject({
        code: 'bad-request',
        detail: '/for/case must have no white space and no invisible characters; /for/service must be >= 1',
      })
      expect(await (await fetch(`${url}/openapi.json`)).json()).toEqual(JSON.parse(JSON.stringify(panelOpenapi())))
      const page = await fetch(url)
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    })
  })

  test('knows the commands of a box and no others', async () => {
    const { file } = await boxFolder()
    expect(run('--help').stdout).toMatch(/agent[\s\S]*prompt[\s\S]*pair/)
    expect(run('collector', 'run').status).toBe(1)
    expect(run('agent', 'check', '--config', file).stdout).toContain('A01 (generic-pj06)')
    expect(run('agent', 'run').stderr).toContain('--config')
  })
})
