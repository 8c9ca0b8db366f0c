import { createPrivateKey, createPublicKey } from 'node:crypto'
import { fail, ok, type Result } from '#protocol/result.ts'
import { importKey, P256, SIGNATURE } from './keys.ts'
import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator } from './x509.ts'

/** A certificate request (PKCS#10, PEM) for the holder of `privateKeyPem`, who wants to be called `name`. */
export async function createRequest(name: string, privateKeyPem: string): Promise<string> {
  const spki = createPublicKey(createPrivateKey(privateKeyPem)).export({ format: 'der', type: 'spki' })
  const publicKey = await crypto.subtle.importKey('spki', new Uint8Array(spki), P256, true, ['verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${name}`,
    keys: { privateKey: await importKey(privateKeyPem), publicKey },
    signingAlgorithm: SIGNATURE,
  })
  return `${request.toString('pem').trim()}\n`
}

/**
 * Reads a request and believes it only when its subject is exactly CN=`name`, its key is P-256 and it was
 * signed with that key. Nothing else in it (extensions, attributes) is taken over into a certificate.
 */
export async function readRequest(pem: string, name: string): Promise<Result<Pkcs10CertificateRequest>> {
  let request: Pkcs10CertificateRequest
  try {
    request = new Pkcs10CertificateRequest(pem)
  } catch {
    // The library throws many kinds of error for bytes that are no request; none says more than this.
    return fail('bad-request', 'this is not a certificate request (PKCS#10, PEM)')
  }
  const subject = request.subjectName.toJSON()
  if (subject.length !== 1 || Object.keys(subject[0]!).join() !== 'CN' || subject[0]!['CN']!.join() !== name) {
    return fail('wrong-name', `the request is for "${request.subject}", expected "CN=${name}"`)
  }
  const { name: kind, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string }
  if (kind !== P256.name || namedCurve !== P256.namedCurve) {
    return fail(
      'wrong-key',
      `the request has a ${[kind, namedCurve].filter(Boolean).join(' ')} key, only P-256 is allowed`,
    )
  }
  if (!(await request.verify())) return fail('bad-signature', 'the request was not signed with the key it names')
  return ok(request)
}
