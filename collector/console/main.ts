import { createApp } from 'vue'
import { createLanguage } from '#runtime/page/language.ts'
import ConsolePage from './console-page.vue'
import { MESSAGES } from './messages.ts'

createApp(ConsolePage).use(createLanguage(MESSAGES)).mount('#page')
