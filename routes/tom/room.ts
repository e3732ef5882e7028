export const dialect = 'tom'

/** All nodes are in one room. */
export const room = dialect
