import { expect, test } from 'vitest'
import { useCounter } from '#test/helpers/counter.ts'

const counter = useCounter({ broker: 'mosquitto', profile: 'generic-rs485-four-key', isAgentBuilt: true })
const service = { case: '370000202611240009', service: 2 }

test('the main job with the box from its one built file, a real Mosquitto, and the four-key pad that must be answered', async () => {
  await counter.rate(service, 'very-satisfied')
  expect(await counter.client.tied(service)).toMatchObject({ grade: 'very-satisfied', provenance: 'pad' })
  const { frames } = await counter.client.padState(({ frames: seen }) =>
    seen.some(({ direction }) => direction === 'out'),
  )
  // The rating frame once: its answer came before the pad would have repeated it.
  expect(frames.filter(({ hex }) => hex.replaceAll(' ', '').toUpperCase().startsWith('FF6803036801110')).length).toBe(1)
})
