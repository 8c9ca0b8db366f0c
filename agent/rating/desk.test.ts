import { describe, expect, test } from 'vitest'
import { fromHex } from '#protocol/codec.ts'
import type { EntryOf } from '#protocol/entry.ts'
import { createOpener, sealingContext } from '#protocol/sealing.ts'
import { createTestDesk, type TestDesk } from '#test/helpers/desk.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const service = { case: '370000202611240001', service: 1 }

async function ready(windows?: string[]): Promise<TestDesk> {
  const one = await createTestDesk(windows ? { windows } : {})
  for (const window of windows ?? ['A01']) {
    const changed = one.changed()
    one.desk.window(window).padChanged('ready')
    await changed
  }
  return one
}

async function ask(one: TestDesk, order: Partial<Parameters<TestDesk['desk']['prompt']>[0]> = {}) {
  const asked = await one.desk.prompt({ for: service, origin: 'panel', ...order })
  if (!asked.ok) throw new Error(asked.error.code)
  return asked.value.prompt
}

/** Acts and waits until the desk has changed. */
async function settled(one: TestDesk, act: () => void) {
  const changed = one.changed()
  act()
  await changed
}

describe('the desk', () => {
  test('a press is sealed to the collector, on disk, and only then thanked for', async () => {
    const one = await ready()
    const prompt = await ask(one)
    await settled(one, () => one.desk.window('A01').pressed('dissatisfied'))
    expect(one.shown).toEqual(['A01 idle', 'A01 ask', 'A01 thank'])
    expect(one.kinds()).toEqual(['pad', 'prompt', 'rating'])
    const rating = [...one.journal.newestFirst()][0] as EntryOf<'rating'>
    const opener = await createOpener([one.openingKey])
    expect(await opener.open(rating.body.sealed, sealingContext('box-1', fromHex(prompt.id)))).toEqual({
      ok: true,
      value: { grade: 'dissatisfied' },
    })
    expect(one.desk.find(prompt.id)).toMatchObject({ state: 'finished', outcome: 'rated' })
  })

  test('what the clerk can see is the same for every grade', async () => {
    const views = []
    for (const grade of ['very-satisfied', 'very-dissatisfied'] as const) {
      const one = await ready()
      const { id } = await ask(one, { id: new Uint8Array(16).fill(9) })
      await settled(one, () => one.desk.window('A01').pressed(grade))
      views.push(JSON.stringify([one.desk.windows(), one.desk.find(id), one.shown]))
    }
    expect(views[0]).toBe(views[1])
  })

  test('a second press inside the undo window is a correction; both stay', async () => {
    const one = await ready()
    await ask(one)
    await settled(one, () => one.desk.window('A01').pressed('dissatisfied'))
    one.clock.advance(500)
    await settled(one, () => one.desk.window('A01').pressed('satisfied'))
    await settled(one, () => one.clock.advance(2_500))
    expect(one.kinds()).toEqual(['pad', 'prompt', 'rating', 'correction'])
    expect(one.shown.at(-1)).toBe('A01 idle')
  })

  test('a press without a prompt is counted and rates nothing', async () => {
    const one = await ready()
    one.desk.window('A01').pressed('satisfied')
    await ask(one)
    expect(one.ignored).toEqual(['press-without-prompt'])
    expect(one.kinds()).toEqual(['pad', 'prompt'])
  })

  test('a key held down since before the prompt never rates, and after its time makes the pad unavailable', async () => {
    const one = await ready()
    const hold = (ms: number) => {
      for (let at = 0; at < ms; at += 250) {
        one.desk.window('A01').pressed('very-satisfied')
        one.clock.advance(250)
      }
    }
    hold(1_000)
    await ask(one)
    const changed = one.changed()
    hold(10_000)
    await changed
    expect(one.kinds()).toEqual(['pad', 'prompt', 'pad'])
    expect(one.desk.windows()[0]?.pad.state).toBe('stuck-key')
    const next = await ask(one, { for: { ...service, service: 2 } })
    expect(next).toMatchObject({ state: 'finished', outcome: 'pad-unavailable', reason: 'stuck-key' })
    await settled(one, () => one.clock.advance(2_000))
    expect(one.desk.windows()[0]?.pad.state).toBe('ready')
  })

  test('asking twice for the same service gives the same prompt; a new service replaces the old prompt', async () => {
    const one = await ready()
    const first = await ask(one)
    const again = await one.desk.prompt({ for: service, origin: 'scanner' })
    expect(again).toMatchObject({ ok: true, value: { isNew: false, prompt: { id: first.id } } })
    await ask(one, { for: { ...service, service: 2 } })
    expect(one.desk.find(first.id)).toMatchObject({ outcome: 'cancelled', reason: 'replaced' })
    expect(one.kinds()).toEqual(['pad', 'prompt', 'outcome', 'prompt'])
  })

  test('a prompt id that was used before opens nothing: the same request sent twice is one prompt', async () => {
    const one = await ready()
    const id = new Uint8Array(16).fill(9)
    await ask(one, { id })
    await settled(one, () => one.desk.window('A01').declined())
    const again = await one.desk.prompt({ for: service, origin: 'collector', id })
    expect(again).toMatchObject({ ok: true, value: { isNew: false, prompt: { outcome: 'declined' } } })
    expect(one.kinds()).toEqual(['pad', 'prompt', 'outcome'])
  })

  test('a service that was rated is not asked for again, also after a restart', async () => {
    const folder = temporaryFolder()
    const before = await createTestDesk({ folder })
    await settled(before, () => before.desk.window('A01').padChanged('ready'))
    await ask(before)
    await settled(before, () => before.desk.window('A01').pressed('satisfied'))
    const refused = { ok: false, error: { code: 'service-already-rated' } }
    expect(await before.desk.prompt({ for: service, origin: 'panel' })).toMatchObject(refused)
    before.journal.close()
    const restarted = await createTestDesk({ folder })
    expect(await restarted.desk.prompt({ for: service, origin: 'panel' })).toMatchObject(refused)
    expect(restarted.desk.windows()[0]?.today).toMatchObject({ prompts: 1, rated: 1 })
  })

  test('a pad that goes and comes back is asked again within the old time', async () => {
    const one = await ready()
    const prompt = await ask(one)
    await settled(one, () => one.desk.window('A01').padChanged('lost'))
    one.clock.advance(20_000)
    await settled(one, () => one.desk.window('A01').padChanged('ready'))
    expect(one.shown).toEqual(['A01 idle', 'A01 ask', 'A01 ask'])
    await settled(one, () => one.clock.advance(40_000))
    expect(one.desk.find(prompt.id)).toMatchObject({ outcome: 'timed-out' })
  })

  test('a window whose profile is at fault is out of service with its reason, and the others work', async () => {
    const one = await createTestDesk({ windows: ['A01', 'A02'], faults: { A01: 'profile-not-valid' } })
    await settled(one, () => one.desk.window('A02').padChanged('ready'))
    const prompt = await ask(one, { window: 'A01' })
    expect(prompt).toMatchObject({ outcome: 'pad-unavailable', reason: 'out-of-service' })
    expect(one.desk.windows().map(({ pad }) => [pad.state, pad.reason])).toEqual([
      ['out-of-service', 'profile-not-valid'],
      ['ready', undefined],
    ])
    expect(one.pads()).toEqual(['A01 out-of-service profile-not-valid', 'A02 ready'])
  })

  test('a key that a pad tells to be down takes the window out, until it is up', async () => {
    const one = await ready()
    await settled(one, () => one.desk.window('A01').held(true))
    expect(await ask(one)).toMatchObject({ outcome: 'pad-unavailable', reason: 'stuck-key' })
    await settled(one, () => one.desk.window('A01').held(false))
    expect(await ask(one)).toMatchObject({ id: expect.any(String) })
    expect(one.pads()).toEqual(['A01 ready', 'A01 stuck-key', 'A01 ready'])
  })

  test('the journal says why a pad was never there, once, and that a silent one was alive', async () => {
    const one = await createTestDesk()
    one.desk.window('A01').padChanged('lost', 'port-missing')
    one.desk.window('A01').padChanged('lost', 'port-busy')
    await settled(one, () => one.desk.window('A01').padChanged('ready', 'answered'))
    one.desk.window('A01').padAlive()
    expect(one.pads()).toEqual(['A01 lost port-missing', 'A01 ready answered', 'A01 self-test answered'])
  })

  test('windows are apart: each has its own session and counts', async () => {
    const one = await ready(['A01', 'A02'])
    await ask(one, { window: 'A01' })
    await ask(one, { window: 'A02', for: { ...service, service: 2 } })
    await settled(one, () => one.desk.window('A02').declined())
    expect(one.desk.windows().map(({ session, today }) => [session.state, today.prompts, today.declined])).toEqual([
      ['waiting', 1, 0],
      ['idle', 1, 1],
    ])
    expect(await one.desk.prompt({ origin: 'panel' })).toMatchObject({ ok: false, error: { code: 'window-missing' } })
    expect(await one.desk.prompt({ origin: 'panel', window: 'B9' })).toMatchObject({
      error: { code: 'window-unknown' },
    })
  })

  test('without room on the disk a prompt is refused visibly and nothing is written', async () => {
    const one = await createTestDesk({ room: () => false })
    expect(await one.desk.prompt({ for: service, origin: 'panel' })).toMatchObject({ error: { code: 'no-room' } })
    expect(one.kinds()).toEqual([])
  })

  test('when the disk refuses the rating nobody is thanked and the box goes out of service', async () => {
    const one = await ready()
    await ask(one)
    one.journal.close()
    one.desk.window('A01').pressed('satisfied')
    await expect.poll(() => one.fatal.length).toBe(1)
    expect(one.shown).not.toContain('A01 thank')
    expect(await one.desk.prompt({ for: service, origin: 'panel' })).toMatchObject({
      error: { code: 'out-of-service' },
    })
    expect(one.desk.windows()[0]?.pad.state).toBe('out-of-service')
  })

  test('a cancel names its reason; after the rating it comes too late', async () => {
    const one = await ready()
    const prompt = await ask(one)
    expect(await one.desk.cancel(prompt.id, 'wrong-case', '号码录错')).toMatchObject({
      ok: true,
      value: { outcome: 'cancelled', reason: 'wrong-case' },
    })
    expect(await one.desk.cancel(prompt.id, 'wrong-case')).toMatchObject({ error: { code: 'prompt-finished' } })
    expect(await one.desk.cancel('ff', 'wrong-case')).toMatchObject({ error: { code: 'prompt-unknown' } })
    const rated = await ask(one, { for: { ...service, service: 2 } })
    await settled(one, () => one.desk.window('A01').pressed('satisfied'))
    expect(await one.desk.cancel(rated.id, 'citizen-left')).toMatchObject({ error: { code: 'prompt-finished' } })
  })

  test('counts of yesterday are not those of today, by the day of Shanghai', async () => {
    const one = await ready()
    await ask(one)
    await settled(one, () => one.desk.window('A01').declined())
    one.clock.jumpWall(86_400_000)
    expect(one.desk.windows()[0]?.today).toMatchObject({ prompts: 0, declined: 0 })
  })
})
