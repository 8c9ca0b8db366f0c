import { expect, test } from 'vitest'
import { useCounter } from '#test/helpers/counter.ts'

const counter = useCounter({ broker: 'mosquitto', profile: 'generic-rs485-four-key' })
const service = { case: '370000202611240009', service: 2 }

test('the main job through a real Mosquitto, with the four-key pad that must be answered', async () => {
  await counter.rate(service, 'very-satisfied')
  expect(await counter.client.tied(service)).toMatchObject({ grade: 'very-satisfied', provenance: 'pad' })
  const { frames } = await counter.client.padState(({ frames: seen }) =>
    seen.some(({ direction }) => direction === 'out'),
  )
  // The rating frame once: its answer came before the pad would have repeated it.
  expect(frames.filter(({ hex }) => hex.replaceAll(' ', '').toUpperCase().startsWith('FF6803036801110')).length).toBe(1)
})
