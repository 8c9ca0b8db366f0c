import { createApp } from 'vue'
import ConsolePage from './console-page.vue'
import { createLanguage } from './language.ts'

createApp(ConsolePage).use(createLanguage()).mount('#page')
