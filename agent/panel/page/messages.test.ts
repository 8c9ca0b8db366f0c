import { test } from 'vitest'
import { expectTranslated } from '#test/helpers/translations.ts'
import { MESSAGES } from './messages.ts'

test('no text of the page is empty or left untranslated', () => expectTranslated(MESSAGES))
