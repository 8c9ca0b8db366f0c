/**
 * The three functions of the `reflect-metadata` proposal that tsyringe, the container inside
 * @peculiar/x509, looks for when it loads. Our dependency list holds no polyfill, and the x509 library
 * brings none; a polyfill that is already there is left alone. Must be imported before the library.
 */
type Metadata = Map<unknown, unknown>
const ofTarget = new WeakMap<object, Metadata>()

const own = (key: unknown, target: object) => ofTarget.get(target)?.get(key)

function inherited(key: unknown, target: object | null): unknown {
  for (let at = target; at !== null; at = Object.getPrototypeOf(at)) {
    const value = own(key, at)
    if (value !== undefined) return value
  }
  return undefined
}

function define(key: unknown, value: unknown, target: object): void {
  const metadata: Metadata = ofTarget.get(target) ?? new Map()
  ofTarget.set(target, metadata.set(key, value))
}

const reflect = Reflect as unknown as Record<string, unknown>
reflect['getMetadata'] ??= inherited
reflect['getOwnMetadata'] ??= own
reflect['defineMetadata'] ??= define
