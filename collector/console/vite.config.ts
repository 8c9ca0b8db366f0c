import { pageConfig } from '#runtime/page/vite-config.ts'

export default pageConfig(import.meta.dirname, 'console')
