import { join } from 'node:path'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

/** How every page is built: from its own folder to `dist/<name>`, into files of our own and nothing inline. */
export function pageConfig(folder: string, name: string) {
  return defineConfig({
    root: folder,
    base: './',
    plugins: [vue()],
    define: {
      __VUE_OPTIONS_API__: 'false',
      __VUE_I18N_LEGACY_API__: 'false',
      __VUE_I18N_FULL_INSTALL__: 'false',
      __INTLIFY_PROD_DEVTOOLS__: 'false',
    },
    build: {
      outDir: join(import.meta.dirname, '../../dist', name),
      emptyOutDir: true,
      // Everything in files of our own, so that a content security policy of 'self' alone serves.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  })
}
