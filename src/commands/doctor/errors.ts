const problems: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'its name has no address',
  EAI_AGAIN: 'no name server answers',
  ETIMEDOUT: 'nobody answers in time',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  EPROTO: 'it does not speak TLS there',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate has signed itself',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the chain of its certificate is missing',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an unknown authority'
}

/** The code of an error of the system, of TLS, or of the first of several attempts. */
export function codeOf (error: unknown): string {
  const { code, errors } = error as { code?: unknown, errors?: unknown[] }
  if (typeof code === 'string') return code
  return errors?.[0] === undefined ? 'an unknown error' : codeOf(errors[0])
}

/** Why a connection failed, in words. */
export function problemOf (error: unknown): string {
  const code = codeOf(error)
  return problems[code] === undefined ? code : `${problems[code]} (${code})`
}
