import { type Parameter, type ParameterContext, textCharacters } from './parameter.ts'
import type { IntentStep, Profile } from './profile.ts'

/**
 * The steps of a profile's intent `clerk` for a clerk of this number; without one, those that take away the number
 * shown before.
 *
 * The box knows the number of a clerk (工号) and no name, so a step that only shows a name is left out rather than
 * sent empty, and a number never stands in for a name. A number that a pad can not show whole is taken away too:
 * half of it would be another clerk's.
 */
export function clerkSteps(
  { commands, intents, text }: Pick<Profile, 'commands' | 'intents' | 'text'>,
  number: string | undefined,
): IntentStep[] {
  const steps = intents.clerk.flatMap(step => {
    const { name, number: own } = commands[step.command]!.parameters
    const isNameKnown = step.with['name'] !== undefined || name?.default != null
    if (name && !isNameKnown && (!own || !canStayOpen(name))) return []
    if (!own) return [step]
    const isFitting = number !== undefined && fits(own, number, text)
    if (!isFitting && !canStayOpen(own)) return []
    return [{ ...step, with: { ...step.with, number: isFitting ? number : '' } }]
  })
  // What goes with it, as a change of the page, means nothing alone.
  return steps.some(step => step.with['number'] !== undefined) ? steps : []
}

function canStayOpen(parameter: Parameter): boolean {
  if (parameter.as === 'text' || parameter.default !== null) return true
  return 'blank' in parameter && parameter.blank !== null
}

function fits(parameter: Parameter, number: string, context: ParameterContext): boolean {
  if (parameter.as === 'text') return textCharacters(parameter, number, context).length === [...number].length
  return 'min' in parameter && /^\d{1,9}$/.test(number) && +number >= parameter.min && +number <= parameter.max
}
