import { type Language, languageOfLocale, type Text } from '#runtime/language.ts'

/** What every subcommand speaks through: one language, and either sentences or one JSON value. */
export interface Terminal {
  language: Language
  /** The sentence in the reader's language. */
  say(text: Text): string
  /** Prints a result: the JSON value with `--json`, else the lines. Returns nothing else to the caller. */
  print(options: { json?: boolean }, value: unknown, lines: () => string): void
  /** Prints what was wrong and what to do next to standard error and sets the exit code to 1. */
  fail(options: { json?: boolean }, problem: { code: string; detail: string }): void
}

export function createTerminal(env: NodeJS.ProcessEnv): Terminal {
  const language = languageOfLocale(env)
  const say = (text: Text) => text[language]
  return {
    language,
    say,
    print(options, value, lines) {
      process.stdout.write(`${options.json ? JSON.stringify(value) : lines()}\n`)
    },
    fail(options, problem) {
      process.exitCode = 1
      if (options.json) process.stdout.write(`${JSON.stringify({ ok: false, ...problem })}\n`)
      else process.stderr.write(`${say({ zh: '错误', en: 'error' })} ${problem.code}: ${problem.detail}\n`)
    },
  }
}

/** The flags and help of `--json`, the same on every subcommand. */
export function jsonOption(terminal: Terminal): [flags: string, description: string] {
  return ['--json', terminal.say({ zh: '输出一个 JSON 值', en: 'print one JSON value' })]
}
