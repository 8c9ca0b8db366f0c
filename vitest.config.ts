import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules', 'dist', 'var'],
    // Processes, not threads: native modules, umask and signals belong to a process.
    pool: 'forks',
    maxWorkers: 2,
    // No test asserts a time. This only ends what hangs, also on a machine that has other work.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test must not depend on who runs it.
    env: { LANG: 'en_US.UTF-8', LC_ALL: '', TZ: 'Asia/Shanghai' },
    unstubEnvs: true,
    restoreMocks: true,
  },
})
