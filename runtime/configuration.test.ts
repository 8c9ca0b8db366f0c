import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { environmentName, leafPaths, loadYaml, overridesFromEnvironment, parseYaml } from './configuration.ts'

const strict = { additionalProperties: false } as const
const Schema = Type.Object(
  {
    box: Type.String({ minLength: 1, maxLength: 32 }),
    mode: Type.Union([Type.Literal('hall'), Type.Literal('trial')], { default: 'hall' }),
    level: Type.Enum(['info', 'debug'], { default: 'info' }),
    panel: Type.Object(
      {
        port: Type.Integer({ minimum: 1, maximum: 65_535, default: 8080 }),
        isOpen: Type.Boolean({ default: false }),
        password: Type.Optional(Type.String({ minLength: 8, writeOnly: true })),
      },
      { ...strict, default: {} },
    ),
    windows: Type.Array(Type.Object({ id: Type.String(), address: Type.Integer({ default: 1 }) }, strict), {
      default: [],
    }),
    labels: Type.Record(Type.String(), Type.Integer(), { default: {} }),
  },
  strict,
)

const parse = (text: string, overrides?: Map<string, string>) => parseYaml(text, Schema, 'agent.yaml', overrides)
/** The problems as `line:column path message`. */
function problemsOf(text: string, overrides?: Map<string, string>): string[] {
  const parsed = parse(text, overrides)
  return parsed.ok ? [] : parsed.error.problems.map(p => `${p.line}:${p.column} ${p.path} ${p.message}`)
}

test('what a file does not say has its default, in groups and lists too', () => {
  expect(parse('box: box-1\nwindows:\n  - id: W1\n')).toEqual({
    ok: true,
    value: {
      box: 'box-1',
      mode: 'hall',
      level: 'info',
      panel: { port: 8080, isOpen: false },
      windows: [{ id: 'W1', address: 1 }],
      labels: {},
    },
  })
})

test('any settings that fit come back from the YAML they are written as', () => {
  const settings = fc.record({
    box: fc.string({ minLength: 1, maxLength: 16, unit: 'grapheme-ascii' }),
    mode: fc.constantFrom('hall', 'trial'),
    level: fc.constantFrom('info', 'debug'),
    panel: fc.record({ port: fc.integer({ min: 1, max: 65_535 }), isOpen: fc.boolean() }),
    windows: fc.array(fc.record({ id: fc.string({ unit: 'grapheme' }), address: fc.integer() }), { maxLength: 3 }),
    labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.integer(), { noNullPrototype: true }),
  })
  fc.assert(
    fc.property(settings, value => {
      expect(parse(stringify(value))).toEqual({ ok: true, value })
    }),
  )
})

test('every problem is told at once, each with its place, what was found and what is allowed', () => {
  const text = [
    'mode: city',
    'level: loud',
    'panel:',
    '  port: 70000',
    '  isOpen: perhaps',
    '  prot: 1',
    'windows:',
    '  - id: 5',
    '  - address: x',
    'labels: {a: b}',
    'colour: red',
  ].join('\n')
  expect(problemsOf(text)).toEqual([
    '1:1 box is required',
    '1:1 mode must be one of: hall, trial, found "city"',
    '2:1 level must be one of: info, debug, found "loud"',
    '4:3 panel.port must be <= 65535, found 70000',
    '5:3 panel.isOpen must be boolean, found "perhaps"',
    '6:3 panel.prot is not known here (did you mean port?); allowed: port, isOpen, password',
    '8:5 windows.0.id must be string, found 5',
    '9:5 windows.1.id is required',
    '9:5 windows.1.address must be integer, found "x"',
    '10:10 labels.a must be integer, found "b"',
    '11:1 colour is not known here; allowed: box, mode, level, panel, windows, labels',
  ])
})

test('the detail has a line for each problem that an editor can jump to', () => {
  const parsed = parse('box: b\npanel: {port: 0}\n')
  expect(parsed).toMatchObject({
    ok: false,
    error: { code: 'file-not-valid', detail: 'agent.yaml:2:9  panel.port  must be >= 1, found 0' },
  })
})

test('the value cannot be changed by anybody, at any depth', () => {
  const parsed = parse('box: b\nwindows: [{id: W1}]')
  if (!parsed.ok) throw new Error(parsed.error.detail)
  const value = parsed.value as { box: string; panel: { port: number }; windows: { id: string }[] }
  expect(() => (value.box = 'x')).toThrow(TypeError)
  expect(() => (value.panel.port = 1)).toThrow(TypeError)
  expect(() => (value.windows[0]!.id = 'x')).toThrow(TypeError)
  expect(() => value.windows.push({ id: 'x' })).toThrow(TypeError)
})

test('a default of one file is not shared with the next', () => {
  const [one, two] = [parse('box: a'), parse('box: b')]
  if (!one.ok || !two.ok) throw new Error('must parse')
  expect(one.value.panel).not.toBe(two.value.panel)
})

describe('a file that is not YAML as we take it is refused with the place:', () => {
  test.each([
    ['a setting given twice', 'box: a\nbox: b', '2:1  box is given twice'],
    ['a setting given twice in a group', 'box: a\npanel: {port: 1, "port": 2}', '2:18  port is given twice'],
    ['a tab', 'box: a\npanel:\n\tport: 1', '3:1  Tabs are not allowed as indentation'],
    [
      'two documents',
      'box: a\n---\nbox: b',
      '2:1  Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
    ['a tag nobody knows', 'box: !secret a', '1:6  Unresolved tag: !secret'],
    ['a list as the name of a setting', 'box: a\n? [x, y]\n: 1', '2:3  the name of a setting must be plain text'],
    [
      'an alias without its anchor',
      'box: *nowhere',
      '0:0  Unresolved alias (the anchor must be set before the alias): nowhere',
    ],
    ['nothing but a word', 'hello', '1:1  must be object, found "hello"'],
    ['a list', '- box', '1:1  must be object'],
    ['nothing', '', '1:1 box is required'],
    ['only a comment', '# box: a', '1:1 box is required'],
  ])('%s', (_, text, problem) => {
    expect(problemsOf(text)).toContain(problem)
  })

  test('a name that would reach the prototype', () => {
    const unknown = 'is not known here; allowed: box, mode, level, panel, windows, labels'
    expect(problemsOf('box: a\n__proto__: {port: 1}')).toEqual([`2:1 __proto__ ${unknown}`])
    expect(problemsOf('box: a\nconstructor: 1')).toEqual([`2:1 constructor ${unknown}`])
    expect(({} as Record<string, unknown>)['port']).toBeUndefined()
  })

  test('an unclosed bracket', () => {
    expect(problemsOf('box: [a')[0]).toMatch(/^1:8 {2}Flow sequence/)
  })
})

test('an anchor may be used, a bomb of them is refused', () => {
  expect(parse('box: &name b\nwindows: [{id: *name}]')).toMatchObject({ ok: true, value: { windows: [{ id: 'b' }] } })
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`)
  expect(problemsOf(['l0: &l0 [lol]', ...levels].join('\n'))[0]).toMatch(/Excessive alias count/)
})

test('nesting without end is refused, not a crash', () => {
  for (const opener of ['[', '{a: ', '- ']) {
    expect(parse(`box: a\nwindows: ${opener.repeat(10_000)}`).ok).toBe(false)
  }
})

test('a file with more problems than anybody reads is told in a bounded list', () => {
  const many = (line: (i: number) => string) => Array.from({ length: 4000 }, (_, i) => line(i)).join('\n')
  for (const text of [many(i => `k${i}: 1`), many(() => 'box: a'), many(i => `k${i}: *nowhere${i}`)]) {
    const parsed = parse(text)
    if (parsed.ok) throw new Error('must be refused')
    expect(parsed.error.detail).toMatch(/^agent\.yaml/)
    expect(parsed.error.detail.split('\n').length).toBeLessThanOrEqual(100)
  }
})

test('a secret is never repeated in a problem, and a long value is cut', () => {
  const parsed = parse(`box: ${'x'.repeat(5000)}\npanel: {password: hunter2}`)
  if (parsed.ok) throw new Error('must be refused')
  expect(parsed.error.detail).not.toContain('hunter2')
  expect(parsed.error.detail).toContain('panel.password')
  expect(parsed.error.detail.length).toBeLessThan(400)
  const misspelt = parse('box: a\npanel: {pasword: hunter2-long}')
  expect(!misspelt.ok && misspelt.error.detail).toMatch(
    /panel\.pasword {2}is not known here \(did you mean password\?\)/,
  )
  expect(JSON.stringify(misspelt)).not.toContain('hunter2')
})

describe('the environment wins over the file', () => {
  const overrides = (env: Record<string, string>) => overridesFromEnvironment(Schema, 'AGENT', env)
  const value = (text: string, env: Record<string, string>) => {
    const parsed = parse(text, overrides(env))
    if (!parsed.ok) throw new Error(parsed.error.detail)
    return parsed.value
  }

  test('for every scalar setting, under a name made of its path', () => {
    expect(leafPaths(Schema)).toEqual(['box', 'mode', 'level', 'panel.port', 'panel.isOpen', 'panel.password'])
    expect(leafPaths(Schema).map(path => environmentName('AGENT', path))).toEqual([
      'AGENT_BOX',
      'AGENT_MODE',
      'AGENT_LEVEL',
      'AGENT_PANEL_PORT',
      'AGENT_PANEL_IS_OPEN',
      'AGENT_PANEL_PASSWORD',
    ])
  })

  test('also over what is not in the file, in a group that is empty or missing', () => {
    for (const text of ['box: file', 'box: file\npanel:', 'box: file\npanel: {}', 'box: file\npanel: {port: 1}']) {
      expect(value(text, { AGENT_PANEL_PORT: '9000', AGENT_PANEL_IS_OPEN: 'true' }).panel).toEqual({
        port: 9000,
        isOpen: true,
      })
    }
    expect(value('', { AGENT_BOX: 'env', OTHER_MODE: 'trial' })).toMatchObject({ box: 'env', mode: 'hall' })
  })

  test.each(['007', 'true', 'null', '1e3', '*x', '&x', '"', '{a: 1}', '# no comment', '@x', '办件'])(
    'a text setting takes %j as it is',
    text => {
      expect(value('box: file', { AGENT_BOX: text }).box).toBe(text)
    },
  )

  test('what does not fit is told as coming from the environment', () => {
    expect(problemsOf('box: b\npanel: {port: 1}', overrides({ AGENT_PANEL_PORT: 'x', AGENT_LEVEL: '' }))).toEqual([
      '0:0 level must be one of: info, debug, found "" (from the environment)',
      '0:0 panel.port must be integer, found "x" (from the environment)',
    ])
  })

  test('a file that has something else in the place of a group is refused, not a crash', () => {
    expect(problemsOf('box: b\npanel: 5', overrides({ AGENT_PANEL_PORT: '1' }))).toEqual([
      '2:1 panel must be object, found 5',
    ])
    expect(problemsOf('hello', overrides({ AGENT_BOX: 'b' }))).toEqual(['1:1  must be object, found "hello"'])
  })
})

describe('a file', () => {
  const inFolder = (content: string | Uint8Array) => {
    const path = join(temporaryFolder(), 'agent.yaml')
    writeFileSync(path, content)
    return path
  }
  const refusal = (path: string) => {
    const loaded = loadYaml(path, Schema)
    return loaded.ok ? 'taken' : `${loaded.error.code}: ${loaded.error.problems[0]!.message}`
  }

  test('is read from its path, with or without a byte order mark', () => {
    expect(refusal(inFolder('box: a'))).toBe('taken')
    expect(refusal(inFolder('\ufeffbox: a'))).toBe('taken')
    expect(refusal(inFolder('box: a\r\npanel:\r\n  port: 1\r\n'))).toBe('taken')
  })

  test('that is missing, a folder or a pipe is refused at once', () => {
    const folder = temporaryFolder()
    expect(refusal(join(folder, 'none.yaml'))).toBe('file-not-readable: cannot be read: ENOENT')
    expect(refusal(folder)).toBe('file-not-readable: is not a file')
    execFileSync('mkfifo', [join(folder, 'pipe')])
    expect(refusal(join(folder, 'pipe'))).toBe('file-not-readable: is not a file')
    expect(refusal('/dev/zero')).toBe('file-not-readable: is not a file')
  })

  test('of exactly 1 MiB is read, one byte more is refused', () => {
    const filled = (length: number) => inFolder('box: a\n#'.padEnd(length, '#'))
    expect(refusal(filled(1024 * 1024))).toBe('taken')
    expect(refusal(filled(1024 * 1024 + 1))).toBe('file-not-readable: has 1048577 bytes, at most 1048576 are read')
  })

  test('saved as GBK is told apart, not read as nonsense', () => {
    expect(refusal(inFolder(Buffer.from('626f783a20b4b0bfda', 'hex')))).toMatch(/is not UTF-8 text/)
  })
})
