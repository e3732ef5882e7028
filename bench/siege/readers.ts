/** The members that name a frame's type, sender, receiver or session. */
const names = ['type', 'from', 'source_id', 'src', 'senderId', 'to', 'target_id', 'target', 'dst', 'sessionId', 'nodeId']

/** The members of a JSON object in the order of the text, duplicates included. Values are JSON text. */
export function membersOf (json: string): Array<[name: string, value: string]> {
  const members: Array<[string, string]> = []
  let depth = 0
  let start = 1
  let colon = -1
  for (let at = 0; at < json.length; at++) {
    const char = json[at]
    if (char === '"') {
      while (json[++at] !== '"') if (json[at] === '\\') at++
    } else if (char === '{' || char === '[') {
      depth++
    } else if (char === ':' && depth === 1 && colon === -1) {
      colon = at
    }
    const isEnd = (char === '}' || char === ']') && --depth === 0
    if (!isEnd && !(char === ',' && depth === 1)) continue
    if (colon !== -1) members.push([JSON.parse(json.slice(start, colon)) as string, json.slice(colon + 1, at).trim()])
    start = at + 1
    colon = -1
  }
  return members
}

/** Whether readers that take the first of two equal names, the last, or names in any case see different senders, types and so on. */
export function readersDisagree (json: string): boolean {
  const members = membersOf(json)
  return names.some((name) => {
    const values = members
      .filter(([given]) => given.toLowerCase() === name.toLowerCase())
      .map(([, value]) => JSON.stringify(JSON.parse(value)))
    return new Set(values).size > 1
  })
}
