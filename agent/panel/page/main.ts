import { createApp } from 'vue'
import { createLanguage } from '#runtime/page/language.ts'
import ClerkPage from './clerk-page.vue'
import { MESSAGES } from './messages.ts'

createApp(ClerkPage).use(createLanguage(MESSAGES)).mount('#page')
