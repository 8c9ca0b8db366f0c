import { expect, test } from 'vitest'
import { PAD_FAULTS } from '#agent/port/pad-driver.ts'
import { LINE_FAULTS } from '#agent/port/serial-line.ts'
import { WINDOW_FAULTS } from '#agent/windows.ts'
import { expectTranslated } from '#test/helpers/translations.ts'
import { MESSAGES } from './messages.ts'

test('no text of the page is empty or left untranslated', () => expectTranslated(MESSAGES))

test('whatever keeps a pad from asking, the clerk reads why and what to do', () => {
  const told = Object.keys(MESSAGES['zh-CN'].pad.why)
  // A line that was lost is what the words for a lost pad are about.
  const reasons = [...LINE_FAULTS.filter(fault => fault !== 'line-lost'), ...PAD_FAULTS, ...WINDOW_FAULTS]
  expect(reasons.filter(reason => !told.includes(reason))).toEqual([])
})
