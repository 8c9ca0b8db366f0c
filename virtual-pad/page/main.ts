import { createApp } from 'vue'
import { createLanguage } from '#runtime/page/language.ts'
import { MESSAGES } from './messages.ts'
import PadPage from './pad-page.vue'

createApp(PadPage).use(createLanguage(MESSAGES)).mount('#page')
