import { broadcasts } from './broadcasts.js'
import { entering } from './entering.js'
import { frames } from './frames.js'
import { http } from './http.js'
import { others } from './others.js'
import type { Attack } from './scene.js'

export type { Attack, Scene } from './scene.js'

/** All attacks, in the order of the table. */
export const attacks: readonly Attack[] = [...http, ...entering, ...frames, ...broadcasts, ...others]
