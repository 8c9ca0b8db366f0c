import type { Kysely } from 'kysely'
import type { OddityRow, PromptRow, RatingRow, ServiceRow, Standing, Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import { type ProjectedEntry, type Touched, touchService } from './projected.ts'
import type { KnownRows, SliceRows } from './slice-rows.ts'
import { type Press, standings } from './standing.ts'

/**
 * What the entries of one transaction read and change of prompts, presses and services: known before them,
 * written at once after them. A prompt that was opened and rated in it is written once.
 */
export interface Slice {
  readonly touched: Touched
  findPrompt(box: string, prompt: Uint8Array): PromptRow | undefined
  savePrompt(row: PromptRow): void
  /** A citizen's press. What it is worth is decided when the slice is written. */
  addPress(press: Omit<RatingRow, 'standing'>): void
  noteOddity(at: Pick<ProjectedEntry, 'position' | 'box'>, code: string): void
  /** Does nothing for a service that is there already. */
  addService(row: ServiceRow): void
  /** Has it decided anew what every press of a place is worth. */
  restand(place: Place): void
  save(trx: Kysely<Tables>): Promise<void>
}

/** The presses that decide together: of one (case, service), or of one prompt without a case. */
export type Place = Pick<PromptRow, 'box' | 'prompt' | 'case_number' | 'service'>

type AnyPress = Pick<RatingRow, 'position' | 'kind'> & {
  /** What the store says of it; undefined for a new one. */
  stored?: Standing
}

export function createSlice(
  known: Pick<KnownRows, 'prompts' | 'presses' | 'services'>,
  rows: SliceRows,
  touched: Touched,
): Slice {
  const prompts = new Map<string, PromptRow>()
  const presses = new Map<string, AnyPress[]>()
  const promptsOfService = new Map<string, Set<string>>()
  const services = new Set(known.services.map(serviceKey))
  const places = new Set<string>()
  const changedPrompts = new Set<string>()
  const newPresses: Omit<RatingRow, 'standing'>[] = []
  const newServices: ServiceRow[] = []
  const oddities: OddityRow[] = []

  function keepPrompt(row: PromptRow): string {
    const key = promptKey(row)
    prompts.set(key, row)
    if (hasCase(row)) getOrMake(promptsOfService, serviceKey(row), () => new Set()).add(key)
    return key
  }

  for (const row of known.prompts) keepPrompt(row)
  for (const { box, prompt, position, kind, standing } of known.presses) {
    getOrMake(presses, promptKey({ box, prompt }), () => []).push({ position, kind, stored: standing })
  }

  /** The presses of a place in position order. */
  function pressesOf(keys: Iterable<string>): (Press & AnyPress)[] {
    const found: (Press & AnyPress)[] = []
    for (const key of keys) {
      const { position, outcome, case_number } = prompts.get(key)!
      const about = {
        isPromptKnown: position !== null,
        isPromptRated: outcome === 'rated',
        hasCase: case_number !== null,
      }
      for (const press of presses.get(key) ?? []) found.push({ ...press, prompt: key, ...about })
    }
    return found.sort((a, b) => a.position - b.position)
  }

  function decide() {
    const decided = new Map<number, Standing>()
    const moved = new Map<number, Standing>()
    for (const place of places) {
      const at = pressesOf(promptsOfService.get(place) ?? (prompts.has(place) ? [place] : []))
      for (const [position, standing] of standings(at, services.has(place))) decided.set(position, standing)
      for (const { position, stored } of at) {
        const standing = decided.get(position)!
        if (stored && stored !== standing) moved.set(position, standing)
      }
    }
    return { decided, moved }
  }

  return {
    touched,
    findPrompt: (box, prompt) => prompts.get(promptKey({ box, prompt })),
    savePrompt: row => void changedPrompts.add(keepPrompt(row)),
    addPress(press) {
      newPresses.push(press)
      const { position, kind } = press
      getOrMake(presses, promptKey(press), () => []).push({ position, kind })
      touched.ratings.add(position)
    },
    noteOddity: ({ position, box }, code) => void oddities.push({ position, box, code }),
    addService(row) {
      const key = serviceKey(row)
      if (!services.has(key)) newServices.push(row)
      services.add(key)
    },
    restand(place) {
      // Where the prompt turns out to have a case later in the slice, it is with that service that it decides.
      places.delete(promptKey(place))
      places.add(hasCase(place) ? serviceKey(place) : promptKey(place))
      touchPlace(touched, place)
    },
    async save(trx) {
      const { decided, moved } = decide()
      const changed = [...changedPrompts].map(key => prompts.get(key)!)
      await rows.writePrompts(trx, changed)
      await rows.writeServices(trx, newServices)
      const pressed = newPresses.map(press => ({ ...press, standing: decided.get(press.position)! }))
      await rows.writeRatings(trx, pressed)
      await rows.writeOddities(trx, oddities)
      for (const [position, standing] of moved) {
        await trx.updateTable('ratings').set({ standing }).where('position', '=', position).execute()
        touched.ratings.add(position)
      }
    },
  }
}

export function touchPlace(touched: Touched, { case_number, service }: Pick<Place, 'case_number' | 'service'>) {
  if (case_number !== null && service !== null) touchService(touched, case_number, service)
}

const hasCase = ({ case_number, service }: Pick<Place, 'case_number' | 'service'>) =>
  case_number !== null && service !== null

/** Begins as no name of a box does: keys of services and of prompts share one set. */
const serviceKey = ({ case_number, service }: Pick<Place, 'case_number' | 'service'>) => `/${service} ${case_number}`

const promptKey = ({ box, prompt }: Pick<Place, 'box' | 'prompt'>) => `${box} ${toHex(prompt)}`

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
