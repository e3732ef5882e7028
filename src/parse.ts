/** Nesting of a frame: far more than any client sends, and little enough to walk through. */
const maxDepth = 64

export type JsonObject = Readonly<Record<string, unknown>>

/** The object that a frame holds, or undefined. */
export function parse (raw: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(raw.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) && isWithin(maxDepth, value) ? value as JsonObject : undefined
  } catch {
    return undefined
  }
}

/** Whether a value is nested at most so deep. Parsing takes any depth; what walks through a value afterwards must not. */
function isWithin (depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((item) => isWithin(depth - 1, item))
  for (const name in value) {
    if (!isWithin(depth - 1, (value as JsonObject)[name])) return false
  }
  return true
}
