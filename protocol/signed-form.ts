import type { KeyObject } from 'node:crypto'
import type { WireForm } from './codec.ts'
import { fail, ok, type Result } from './result.ts'
import { isSignedBy, type SignatureTag, signTagged } from './signature.ts'

/** What carries its own signature, over the encoding of everything else in it. */
export interface SignedForm<T> {
  /** The value with its signature. */
  make(unsigned: Omit<T, 'signature'>, privateKey: KeyObject): T
  /** The bytes of it. */
  sign(unsigned: Omit<T, 'signature'>, privateKey: KeyObject): Uint8Array
  isSigned(value: T, publicKey: KeyObject): boolean
  /** Reads the bytes of one, and believes them only when the key signed them. */
  read(bytes: Uint8Array, publicKey: KeyObject): Result<T>
}

/** What the collector signs for a box, each kind under a tag of its own; `what` names it in a refusal. */
export function createSignedForm<T extends { signature: Uint8Array }>(
  tag: SignatureTag,
  what: string,
  forms: { signed: WireForm<T>; unsigned: WireForm<Omit<T, 'signature'>> },
): SignedForm<T> {
  function make(unsigned: Omit<T, 'signature'>, privateKey: KeyObject): T {
    return { ...unsigned, signature: signTagged(tag, forms.unsigned.encode(unsigned), privateKey) } as T
  }

  function isSigned({ signature, ...unsigned }: T, publicKey: KeyObject): boolean {
    return isSignedBy(tag, forms.unsigned.encode(unsigned), signature, publicKey)
  }

  return {
    make,
    sign: (unsigned, privateKey) => forms.signed.encode(make(unsigned, privateKey)),
    isSigned,
    read(bytes, publicKey) {
      const decoded = forms.signed.decode(bytes)
      if (!decoded.ok) return decoded
      if (isSigned(decoded.value, publicKey)) return ok(decoded.value)
      return fail('bad-signature', `${what} was not signed by the collector this box was enrolled with`)
    },
  }
}
