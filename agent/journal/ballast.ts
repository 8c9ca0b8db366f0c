import { randomFillSync } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, statfsSync, statSync, writeSync } from 'node:fs'
import { isFull } from './store.ts'

/**
 * Room on the disk that is held for the day it is full: nothing inside a database can make any, a checkpoint least
 * of all. Given up and taken back in steps, since others may take what was set free before we do.
 */
export interface Ballast {
  readonly wantedBytes: number
  bytes(): number
  /** Gives a step back to the file system, on return for good; false when there is none left. */
  giveUp(): boolean
  /** Takes a step, a few ms of writing; gives what is held then. A disk that has no room is no fault. */
  grow(): number
}

/** Some two hundred entries. */
const STEP_BYTES = 256 * 1024
/** Written at a time, from one buffer: new ones would stay in memory, since a box with nothing to do collects no garbage. */
const PIECE_BYTES = 16 * 1024

export function openBallast(path: string, wantedBytes: number): Ballast {
  let held = sizeOf(path)

  function resize(change: (file: number) => void): number {
    const file = openSync(path, 'a', 0o600)
    try {
      change(file)
      // Blocks that were set free are to be had only once the file system has written that down.
      fsyncSync(file)
      return fstatSync(file).size
    } finally {
      closeSync(file)
    }
  }

  return {
    wantedBytes,
    bytes: () => held,
    giveUp() {
      if (held === 0) return false
      const left = Math.max(0, held - STEP_BYTES)
      held = resize(file => ftruncateSync(file, left))
      return true
    },
    grow() {
      const step = Math.min(STEP_BYTES, wantedBytes - held)
      if (step <= 0) return held
      try {
        // Random, because a file system may keep zeros without keeping room for them.
        held = resize(file => writeRandom(file, step))
      } catch (error) {
        if (!isFull(error)) throw error
        held = sizeOf(path)
      }
      return held
    },
  }
}

function writeRandom(file: number, bytes: number): void {
  const piece = Buffer.alloc(PIECE_BYTES)
  for (let left = bytes; left > 0; left -= PIECE_BYTES)
    writeSync(file, randomFillSync(piece), 0, Math.min(left, PIECE_BYTES))
}

/** Gives up the ballast, step by step, for as long as the disk is full. */
export function withRoom<T>(ballast: Ballast, work: () => T): T {
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isFull(error) || !ballast.giveUp()) throw error
    }
  }
}

/** What the file system of a folder has left for us, bytes. */
export function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
