export const dialect = 'drone'

/** All clients are in one room. */
export const room = dialect
