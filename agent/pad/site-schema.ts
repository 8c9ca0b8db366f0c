import Type from 'typebox'
import { DurationSchema } from '#runtime/duration.ts'
import { ENCODINGS } from './encoding-names.ts'
import { GradeTableSchema } from './grade-table.ts'
import { closed, NAME_PATTERN, Name, Names } from './schema-words.ts'

export const SITE_SETTINGS = [
  'address',
  'baud',
  'echo',
  'encoding',
  'grades',
  'textBytes',
  'timeouts',
  'variant',
] as const
export type SiteSetting = (typeof SITE_SETTINGS)[number]
export const ECHOES = ['removed', 'none'] as const

/** What one installation may set differently from its profile; only what the profile lists under `site`. */
export const SiteOverridesSchema = Type.Object(
  {
    address: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 65_535, title: '总线地址 Address of this pad on a shared line' }),
    ),
    baud: Type.Optional(
      Type.Integer({ minimum: 300, maximum: 921_600, title: '波特率 Baud, one of the alternatives of the profile' }),
    ),
    echo: Type.Optional(Type.Enum([...ECHOES], { title: '线路回显 Whether bytes we sent may come back' })),
    encoding: Type.Optional(Type.Enum([...ENCODINGS], { title: '文字编码 Encoding of texts, one the profile allows' })),
    grades: Type.Optional(GradeTableSchema),
    textBytes: Type.Optional(
      Names(
        NAME_PATTERN,
        Type.Integer({ minimum: 1, maximum: 1000 }),
        '文字长度 Most bytes of a text, by the name of its parameter',
      ),
    ),
    timeouts: Type.Optional(
      Type.Object(
        {
          silence: Type.Optional(DurationSchema({ title: '静默 What is pending is no frame' })),
          frame: Type.Optional(DurationSchema({ title: '整帧 Longest time from first to last byte' })),
          answer: Type.Optional(DurationSchema({ title: '应答 Time for every answer' })),
        },
        { ...closed, title: '时限 Timeouts' },
      ),
    ),
    variant: Type.Optional(Name('变体 Firmware, option or screen project, one the profile has')),
  },
  { ...closed, title: '现场设置 Site settings of a pad' },
)
export type SiteOverrides = Type.Static<typeof SiteOverridesSchema>
