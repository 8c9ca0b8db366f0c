import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GRADES } from '#protocol/grades.ts'

interface Operation {
  parameters?: object[]
  requestBody?: object
  responses: Record<string, object>
}
interface Description {
  paths: Record<string, Record<string, Operation>>
}

const read = (file: string) => readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')
const describing = (file: string) =>
  Object.entries((JSON.parse(read(file)) as Description).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ route: `${method} ${path}`, ...operation })),
  )
const isFile = (body: object) => JSON.stringify(body).includes('{"application/octet-stream":')
const [PANEL, COLLECTOR] = ['agent/panel/openapi.generated.json', 'collector/openapi.generated.json']
const SAYS_A_GRADE = new RegExp(`"(grade|tags|words|provenance)"|${GRADES.join('|')}`)

describe.each([PANEL, COLLECTOR])('%s', file => {
  test('has no route that takes a grade or a provenance from anybody', () => {
    const taking = describing(file).filter(({ parameters, requestBody }) =>
      SAYS_A_GRADE.test(JSON.stringify([parameters, requestBody])),
    )
    expect(taking.map(({ route }) => route)).toEqual([])
    expect(describing(file).length).toBeGreaterThan(5)
  })

  test('refuses every body with a name in it that it does not know', () => {
    for (const { route, requestBody } of describing(file)) {
      // A file has no names; what is in it is sealed and signed.
      if (!requestBody || isFile(requestBody)) continue
      expect(`${route} ${JSON.stringify(requestBody)}`).toContain('"additionalProperties":false')
    }
  })
})

test('the clerk’s interface has no place for a grade in any answer', () => {
  expect(read(PANEL)).not.toMatch(SAYS_A_GRADE)
})

test('a business system that may register and ask is told no grade: only reading takes the scope that shows one', () => {
  const telling = describing(COLLECTOR).filter(({ responses }) =>
    GRADES.every(grade => JSON.stringify(responses).includes(grade)),
  )
  expect(telling.length).toBeGreaterThan(0)
  for (const operation of telling) expect(JSON.stringify(operation)).toContain('"security":[{"key":["read"]}]')
})
