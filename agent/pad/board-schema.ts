import Type from 'typebox'
import { DurationSchema } from '#runtime/duration.ts'
import { GradeTableSchema } from './grade-table.ts'
import { closed, Names, TextPair } from './schema-words.ts'

const PIN_PATTERN = '^(0|[1-9][0-9]?)$'
const Pin = (title: string) => Type.Integer({ minimum: 0, maximum: 69, title })

const PatternStepSchema = Type.Object(
  {
    lamps: Type.Array(Pin('引脚 Pin'), { title: '点亮的灯 Lamps that are lit; all others are dark', maxItems: 16 }),
    buzzer: Type.Optional(Type.Boolean({ default: false, title: '蜂鸣 Whether the buzzer sounds' })),
    for: Type.Optional(
      DurationSchema({ title: '持续 How long; left out in the last step: until something else is shown' }),
    ),
  },
  { ...closed, title: '步骤 Step' },
)

export const PatternSchema = Type.Object(
  {
    steps: Type.Array(PatternStepSchema, { title: '步骤 Steps, in order', minItems: 1, maxItems: 40 }),
    repeat: Type.Optional(
      Type.Boolean({ default: false, title: '循环 Begins again after the last step, until something else is shown' }),
    ),
    meaning: TextPair('含义 Meaning'),
  },
  {
    ...closed,
    title: '图案 Pattern of lamps and buzzer',
    description:
      'A pattern cannot know which key was pressed, so that the lamps never show the clerk what a citizen chose.',
  },
)

/** A microcontroller board with a known firmware: pins instead of bytes. */
export const BoardSchema = Type.Object(
  {
    firmware: Type.Enum(['standard-firmata'], { title: '固件 Firmware on the board' }),
    keys: Names(PIN_PATTERN, Type.String({ pattern: '^[0-9A-Fa-f]{2}$' }), '按键引脚 Pin to the raw value of its key'),
    grades: GradeTableSchema,
    pressed: Type.Optional(
      Type.Enum(['low', 'high'], {
        default: 'low',
        title: '按下时的电平 Level of a pressed key',
        description: 'low: the key joins the pin to ground and the board pulls it up; high: the other way round',
      }),
    ),
    pullUp: Type.Optional(Type.Boolean({ default: true, title: '内部上拉 The pull-up resistor inside the board' })),
    debounce: Type.Optional(
      DurationSchema({ default: '15ms', title: '消抖 A change is believed once it has lasted so long' }),
    ),
    settle: Type.Optional(
      DurationSchema({
        default: '500ms',
        title: '稳定 Keys count only after the board has been quiet for so long',
        description: 'Reporting begins before the pull-up holds, so the first changes after a start are no presses.',
      }),
    ),
    lamps: Type.Optional(Type.Array(Pin('引脚 Pin'), { title: '指示灯引脚 Pins of the lamps', maxItems: 16 })),
    lampsLit: Type.Optional(Type.Enum(['high', 'low'], { default: 'high', title: '灯亮电平 Level of a lit lamp' })),
    buzzer: Type.Optional(Pin('蜂鸣器引脚 Pin of an active buzzer, one that sounds by itself')),
    patterns: Type.Object(
      {
        ask: Type.Optional(PatternSchema),
        thank: Type.Optional(PatternSchema),
        idle: Type.Optional(PatternSchema),
      },
      { ...closed, title: '图案 What is shown when' },
    ),
  },
  { ...closed, title: '单片机板 Board' },
)
export type BoardFile = Type.Static<typeof BoardSchema>
export type PatternFile = Type.Static<typeof PatternSchema>
