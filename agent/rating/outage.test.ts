import { expect, test } from 'vitest'
import { createTestDesk } from '#test/helpers/desk.ts'

const service = { case: '370000202611240001', service: 1 }

async function ready(options: Parameters<typeof createTestDesk>[0] = {}) {
  const one = await createTestDesk(options)
  const changed = one.changed()
  one.desk.window('A01').padChanged('ready')
  await changed
  return one
}

const pad = ({ desk }: Awaited<ReturnType<typeof ready>>) => desk.windows()[0]!.pad

test('a full disk is seen at every window until there is room again', async () => {
  const one = await ready()
  one.desk.roomChanged(true)
  expect(pad(one)).toMatchObject({ state: 'out-of-service', reason: 'no-room' })
  one.desk.roomChanged(false)
  expect(pad(one)).toEqual({ state: 'ready', profile: 'test' })
})

test('a prompt that is open when the disk becomes full is finished, and the next is refused', async () => {
  let hasRoom = true
  const one = await ready({ room: () => hasRoom })
  await one.desk.prompt({ for: service, origin: 'panel' })
  hasRoom = false
  one.desk.roomChanged(true)
  const thanked = one.changed()
  one.desk.window('A01').pressed('satisfied')
  await thanked
  expect(one.shown.at(-1)).toBe('A01 thank')
  expect(one.kinds()).toEqual(['pad', 'prompt', 'rating'])
  expect(await one.desk.prompt({ for: { ...service, service: 2 }, origin: 'panel' })).toMatchObject({
    error: { code: 'no-room' },
  })
  expect(one.kinds()).toHaveLength(3)
})

test('a box that goes out of service stops asking', async () => {
  const one = await ready()
  await one.desk.prompt({ for: service, origin: 'panel' })
  expect(one.shown.at(-1)).toBe('A01 ask')
  one.desk.takeOutOfService()
  expect(one.shown.at(-1)).toBe('A01 idle')
  expect(pad(one)).toMatchObject({ state: 'out-of-service', reason: 'journal-refused' })
})
