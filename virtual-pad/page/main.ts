import { createApp } from 'vue'
import { createLanguage } from './language.ts'
import PadPage from './pad-page.vue'

createApp(PadPage).use(createLanguage()).mount('#page')
