import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createTestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { toHex } from '#protocol/codec.ts'
import { readParcel, sealParcel } from '#protocol/parcel.ts'
import { createOpener, openingKeyId } from '#protocol/sealing.ts'
import { openingKeys } from '#test/helpers/test-keys.ts'

const CASE = 'MARKED-20261124-0001'

/** A village box with a day's ratings, and the stick its parcel is carried on. */
async function village() {
  const collector = await createTestCollector()
  const box = collector.box('village-7')
  await collector.enrol(box)
  for (let n = 1; n <= 20; n++) {
    const prompt = box.prompt({ case: CASE, service: n })
    await box.rate(prompt, n % 2 ? 'satisfied' : 'very-dissatisfied')
  }
  const pack = async (...batches: Uint8Array[]) => {
    const pieces: Uint8Array[] = []
    for await (const piece of sealParcel(collector.openingPublic, batches)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  return { collector, box, pack }
}

const bring = (collector: TestCollector, stick: Uint8Array) =>
  collector.core.verbs.takeParcel(Readable.from([stick]), { giveUpMissing: false })

async function evidence({ store, settled }: TestCollector) {
  await settled()
  return await store.db.selectFrom('evidence').select(['position', 'box', 'seq', 'hash']).orderBy('position').execute()
}

describe('whoever gets hold of the stick', () => {
  test('reads what it is and which key opens it, and neither box, case, grade, time nor how many', async () => {
    const { collector, box, pack } = await village()
    const stick = await pack(box.batch())
    expect(stick.subarray(0, 38).toString()).toBe(
      `chuangping parcel v1 ${toHex(openingKeyId(collector.openingPublic))}\n`,
    )
    for (const mark of [CASE, 'village', 'A01', 'satisfied', 'prompt', toHex(box.epoch)]) {
      expect(stick.includes(mark), mark).toBe(false)
    }
    for (const secret of [box.epoch, box.hashOf(40), box.batch(40, 40).subarray(-64)]) {
      expect(stick.includes(Buffer.from(secret))).toBe(false)
    }
    // A single rating makes a stick of the same size.
    expect((await pack(box.batch(1, 2))).length).toBe(stick.length)
  })

  test('cannot open it, with the key of another collector neither', async () => {
    const { box, pack } = await village()
    const stick = await pack(box.batch())
    const other = openingKeys()
    const { keyOf } = await createOpener([other.privateKey])
    const held = keyOf(openingKeyId(other.publicKey))
    for await (const item of readParcel(Readable.from([stick]), () => held)) {
      expect(item).toMatchObject({ ok: false, error: { code: 'parcel-altered' } })
    }
  })

  test('swaps it for one with ratings of their own, sealed to the right key: none is committed', async () => {
    const { collector, box, pack } = await village()
    const forger = createTestBox({ name: 'village-7', sealTo: collector.openingPublic, epoch: box.epoch })
    await forger.rate(forger.prompt({ case: CASE, service: 1 }), 'very-satisfied')
    const before = await evidence(collector)
    expect(await bring(collector, await pack(forger.batch()))).toMatchObject({
      ok: true,
      value: { entries: { new: 0 }, refused: [{ box: 'village-7', code: 'bad-signature' }], receipts: [] },
    })
    const after = (await evidence(collector)).slice(before.length)
    expect(after.filter(row => row.box === 'village-7')).toEqual([])
    // And the true one goes in afterwards as if nothing had been.
    expect(await bring(collector, await pack(box.batch()))).toMatchObject({ value: { entries: { new: 40 } } })
  })

  test('plays old sticks again, in any order and however often: nothing changes', async () => {
    const { collector, box, pack } = await village()
    const [first, second, all] = [await pack(box.batch(1, 10)), await pack(box.batch(11, 40)), await pack(box.batch())]
    await bring(collector, first)
    await bring(collector, second)
    const before = await evidence(collector)
    for (const stick of [first, all, second, first, second]) {
      expect(await bring(collector, stick)).toMatchObject({ value: { entries: { new: 0 }, refused: [] } })
    }
    expect(await evidence(collector)).toEqual(before)
  })

  test('mixes chunks of two sticks: what does not open where it stands is refused', async () => {
    const { collector, box, pack } = await village()
    const big = [box.batch(), ...Array.from({ length: 3 }, () => box.batch())]
    const [one, other] = [await pack(...big), await pack(...big)]
    expect(one.length).toBeGreaterThan(70 + 2 * 16_400)
    const mixed = Buffer.concat([one.subarray(0, 70 + 16_400), other.subarray(70 + 16_400)])
    expect(await bring(collector, mixed)).toMatchObject({ value: { fault: { code: 'parcel-altered' } } })
  })
})
