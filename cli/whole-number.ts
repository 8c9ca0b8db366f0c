import { InvalidArgumentError } from 'commander'

/** Reads the argument of an option that is a whole number from `min` to `max`; the refusal says which are allowed. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max) throw new InvalidArgumentError(`${min}…${max}`)
    return value
  }
}
