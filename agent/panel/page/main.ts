import { createApp } from 'vue'
import ClerkPage from './clerk-page.vue'
import { createLanguage } from './language.ts'

createApp(ClerkPage).use(createLanguage()).mount('#page')
