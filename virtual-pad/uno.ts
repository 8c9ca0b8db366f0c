import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  AVRADC,
  AVRIOPort,
  AVRTimer,
  AVRTWI,
  AVRUSART,
  adcConfig,
  avrInstruction,
  CPU,
  PinState,
  portBConfig,
  portCConfig,
  portDConfig,
  timer0Config,
  timer1Config,
  timer2Config,
  twiConfig,
  usart0Config,
} from 'avr8js'

/** An Arduino Uno that runs real machine code. Its time passes only when it is told to run. */
export interface Uno {
  /**
   * Runs for so long of its own time; what it sends meanwhile comes at the end, in one piece. `isWaiting`: it only
   * waits, as in the two seconds after a reset, and executes a tenth of the instructions in that time.
   */
  run(ms: number, isWaiting?: boolean): void
  /** Bytes on their way to it over its serial line. */
  receive(bytes: Uint8Array): void
  /** Whether it has bytes still to read, or was sending when it last ran. */
  isBusy(): boolean
  /** What is wired to the pin holds it at this level; undefined: nothing does. */
  drive(pin: number, level: 0 | 1 | undefined): void
  /** The level of an output pin; undefined while the pin is no output. */
  level(pin: number): 0 | 1 | undefined
  /** The reset button, or DTR when a port is opened. */
  reset(): void
}

const CLOCK_HZ = 16_000_000
/** Put after each instruction of a program that waits for its timers. */
const IDLE_CYCLES = 20
/** Pins 0 to 19, the analog ones counted on. */
export const UNO_PINS = 20
const FLASH_BYTES = 32 * 1024

/** StandardFirmata 2.5 for the Uno, with LED strips added, as the package node-pixel ships it (LGPL 2.1). */
export function firmataHex(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('node-pixel/package.json'))
  return readFileSync(join(folder, 'firmware/bin/firmata/uno/node_pixel_firmata.ino.hex'), 'utf8')
}

export function createUno(hex: string, onBytes: (bytes: Uint8Array) => void): Uno {
  const program = loadHex(hex)
  let incoming: number[] = []
  let outgoing: number[] = []
  let wasSending = false
  const driven = new Map<number, 0 | 1>()
  let machine = powerUp()

  function powerUp() {
    const cpu = new CPU(new Uint16Array(program.buffer.slice(0)))
    for (const config of [timer0Config, timer1Config, timer2Config]) new AVRTimer(cpu, config)
    const ports = [portDConfig, portBConfig, portCConfig].map(config => new AVRIOPort(cpu, config))
    new AVRADC(cpu, adcConfig)
    new AVRTWI(cpu, twiConfig, CLOCK_HZ)
    const usart = new AVRUSART(cpu, usart0Config, CLOCK_HZ)
    usart.onByteTransmit = byte => outgoing.push(byte)
    usart.onRxComplete = feed
    for (const port of ports) port.addListener(settle)
    return { cpu, ports, usart }
  }

  function feed() {
    const [byte] = incoming
    if (byte !== undefined && machine.usart.writeByte(byte)) incoming.shift()
  }

  /** An input reads what is wired to it; without that it reads high where it is pulled up, and low where it floats. */
  function settle() {
    for (const [number, port] of machine.ports.entries()) {
      for (let bit = 0; bit < 8; bit++) {
        const state = port.pinState(bit)
        if (state !== PinState.Input && state !== PinState.InputPullUp) continue
        port.setPin(bit, (driven.get(pinOf(number, bit)) ?? Number(state === PinState.InputPullUp)) === 1)
      }
    }
  }

  return {
    run(ms, isWaiting = false) {
      const { cpu } = machine
      const idleCycles = isWaiting ? IDLE_CYCLES : 0
      const until = cpu.cycles + (ms * CLOCK_HZ) / 1000
      feed()
      while (cpu.cycles < until) {
        avrInstruction(cpu)
        cpu.cycles += idleCycles
        cpu.tick()
      }
      wasSending = outgoing.length > 0
      if (!wasSending) return
      const sent = Uint8Array.from(outgoing)
      outgoing = []
      onBytes(sent)
    },
    receive(bytes) {
      incoming.push(...bytes)
    },
    isBusy: () => incoming.length > 0 || wasSending,
    drive(pin, level) {
      if (level === undefined) driven.delete(pin)
      else driven.set(pin, level)
      settle()
    },
    level(pin) {
      const { port, bit } = placeOf(pin)
      const state = machine.ports[port]!.pinState(bit)
      if (state === PinState.High) return 1
      return state === PinState.Low ? 0 : undefined
    },
    reset() {
      incoming = []
      machine = powerUp()
    },
  }
}

/** Pins 0 to 7 are port D, 8 to 13 port B, 14 to 19 port C. */
function placeOf(pin: number): { port: number; bit: number } {
  if (pin < 8) return { port: 0, bit: pin }
  return pin < 14 ? { port: 1, bit: pin - 8 } : { port: 2, bit: pin - 14 }
}

function pinOf(port: number, bit: number): number {
  return [0, 8, 14][port]! + bit
}

/** Intel HEX: a colon, then length, address, type, bytes and a sum. */
function loadHex(hex: string): Uint8Array {
  const flash = new Uint8Array(FLASH_BYTES)
  for (const line of hex.split(/\r?\n/)) {
    if (!line.startsWith(':') || line.slice(7, 9) !== '00') continue
    const address = Number.parseInt(line.slice(3, 7), 16)
    flash.set(Buffer.from(line.slice(9, -2), 'hex'), address)
  }
  return flash
}
