import { expect, test } from 'vitest'
import { commandOfKey, type PageMoment } from './page-keys.ts'

const quiet: PageMoment = { isWaiting: false, areReasonsOpen: false, isEntryEmpty: true, isInOtherField: false }
const press = (key: string, moment: Partial<PageMoment> = {}, code = '') =>
  commandOfKey({ key, code, ctrlKey: false, altKey: false, metaKey: false }, { ...quiet, ...moment })

test('Escape opens the reasons only while a prompt waits, and closes them again', () => {
  expect(press('Escape')).toBeUndefined()
  expect(press('Escape', { isWaiting: true })).toEqual({ kind: 'open-reasons' })
  expect(press('Escape', { isWaiting: true, areReasonsOpen: true })).toEqual({ kind: 'close-reasons' })
})

test('a digit chooses a reason only while the reasons are open', () => {
  expect(press('2', { areReasonsOpen: true })).toEqual({ kind: 'choose-reason', reason: 'citizen-left' })
  expect(press('9', { areReasonsOpen: true })).toEqual({ kind: 'type' })
  expect(press('Enter', { areReasonsOpen: true })).toBeUndefined()
  expect(press('2', { isWaiting: true })).toEqual({ kind: 'type' })
  expect(press('2', { areReasonsOpen: true, isInOtherField: true })).toBeUndefined()
})

test('plus and minus step the service number, but a hyphen inside a case number is a hyphen', () => {
  expect(press('+')).toEqual({ kind: 'step-service', step: 1 })
  expect(press('-')).toEqual({ kind: 'step-service', step: -1 })
  expect(press('-', { isEntryEmpty: false })).toEqual({ kind: 'type' })
  expect(press('-', { isEntryEmpty: false }, 'NumpadSubtract')).toEqual({ kind: 'step-service', step: -1 })
  expect(press('ArrowUp', { isEntryEmpty: false })).toEqual({ kind: 'step-service', step: 1 })
})

test('shortcuts of the browser and keys of other fields are left alone', () => {
  expect(commandOfKey({ key: '+', code: 'Equal', ctrlKey: true, altKey: false, metaKey: false }, quiet)).toBeUndefined()
  expect(press('ArrowUp', { isInOtherField: true })).toBeUndefined()
  expect(press('Tab')).toBeUndefined()
})
