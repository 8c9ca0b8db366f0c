import { describe, expect, test } from 'vitest'
import { fakeDevices } from '#test/helpers/fake-devices.ts'
import { betterName, findPort } from './find-port.ts'
import { adapterTaker, holderCure, portHolders } from './port-holders.ts'

const CH340 = { vendor: '1a86', product: '7523' }
const UNO = { vendor: '2341', product: '0043', serial: '75830303934351' }
const HINTS = { kind: 'usb', hints: [{ vendor: '1A86', product: '7523' }] } as const

describe('finding the port of a pad', () => {
  test('a name from the configuration is taken as it is', () => {
    const { roots, plug } = fakeDevices()
    const { byPath } = plug('ttyUSB0', { ...CH340, socket: 2 })
    expect(findPort({ kind: 'path', path: byPath }, roots)).toEqual({ ok: true, value: byPath })
  })

  test('a name that is not there is missing, also when a link of it is left over', () => {
    const { roots, plug } = fakeDevices()
    plug('ttyUSB0', { ...CH340, socket: 2 })
    expect(findPort({ kind: 'path', path: `${roots.dev}/ttyUSB7` }, roots)).toMatchObject({
      ok: false,
      error: { code: 'port-missing' },
    })
  })

  test('the one adapter of the kind that the profile knows is found by its socket, whatever its kernel name', () => {
    const devices = fakeDevices()
    devices.plug('ttyACM0', { ...UNO, socket: 1 })
    const { byPath } = devices.plug('ttyUSB3', { ...CH340, socket: 2 })
    expect(findPort(HINTS, devices.roots)).toEqual({ ok: true, value: byPath })
  })

  test('without an adapter of that kind no other is taken', () => {
    const devices = fakeDevices()
    devices.plug('ttyACM0', { ...UNO, socket: 1 })
    expect(findPort(HINTS, devices.roots)).toMatchObject({ ok: false, error: { code: 'port-missing' } })
  })

  test('of two identical adapters none is taken, and the sockets to choose from are named', () => {
    const devices = fakeDevices()
    const first = devices.plug('ttyUSB0', { ...CH340, socket: 1 })
    const second = devices.plug('ttyUSB1', { ...CH340, socket: 2 })
    const found = findPort(HINTS, devices.roots)
    expect(found).toMatchObject({ ok: false, error: { code: 'port-ambiguous' } })
    expect(!found.ok && found.error.detail).toContain(`${first.byPath}, ${second.byPath}`)
    expect(findPort({ kind: 'path', path: second.byPath }, devices.roots).ok).toBe(true)
  })

  test('a by-id name that two adapters without serial number share is refused, as it means the last one plugged in', () => {
    const devices = fakeDevices()
    const { byId } = devices.plug('ttyUSB0', { ...CH340, socket: 1 })
    expect(findPort({ kind: 'path', path: byId }, devices.roots)).toEqual({ ok: true, value: byId })
    devices.plug('ttyUSB1', { ...CH340, socket: 2 })
    expect(findPort({ kind: 'path', path: byId }, devices.roots)).toMatchObject({
      ok: false,
      error: { code: 'port-ambiguous' },
    })
  })

  test('a by-id name with a serial number is its own, whoever else is plugged in', () => {
    const devices = fakeDevices()
    const { byId } = devices.plug('ttyACM0', { ...UNO, socket: 1 })
    devices.plug('ttyACM1', { ...UNO, serial: 'other', socket: 2 })
    expect(findPort({ kind: 'path', path: byId }, devices.roots).ok).toBe(true)
  })

  test('for a kernel name that changes, the name that stays is known', () => {
    const devices = fakeDevices()
    const { device, byPath } = devices.plug('ttyUSB0', { ...CH340, socket: 1 })
    expect(betterName(device, devices.roots)).toBe(byPath)
    expect(betterName(byPath, devices.roots)).toBeUndefined()
  })
})

describe('another program on the port', () => {
  test('is named with its process', async () => {
    const devices = fakeDevices()
    const { device, byPath } = devices.plug('ttyACM0', { ...UNO, socket: 1 })
    devices.run(41, 'ModemManager', ['/dev/null', device])
    devices.run(42, 'bash', ['/dev/null'])
    devices.run(process.pid, 'chuangping', [device])
    expect(await portHolders(byPath, devices.roots)).toEqual([{ pid: 41, program: 'ModemManager' }])
  })

  test('of the machine itself is looked for without an error', async () => {
    expect(await portHolders('/dev/null')).toBeInstanceOf(Array)
    expect(await portHolders('/nowhere')).toEqual([])
  })

  test('ModemManager is cured by a rule for just this adapter', () => {
    expect(holderCure('ModemManager', UNO).en).toContain('ATTRS{idVendor}=="2341", ATTRS{idProduct}=="0043"')
  })

  test('brltty is named when the adapter is plugged in and there is no serial port of it', async () => {
    const devices = fakeDevices()
    devices.plugWithoutDriver({ ...CH340, socket: 1 })
    expect(await adapterTaker(HINTS.hints, devices.roots)).toBeUndefined()
    devices.run(50, 'brltty', [])
    expect(await adapterTaker(HINTS.hints, devices.roots)).toEqual({ adapter: '1a86:7523', program: 'brltty' })
    devices.plug('ttyUSB0', { ...CH340, socket: 1 })
    expect(await adapterTaker(HINTS.hints, devices.roots)).toBeUndefined()
  })
})
