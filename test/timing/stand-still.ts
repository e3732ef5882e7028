const never = new Int32Array(new SharedArrayBuffer(4))

/** Holds the event loop for so long, as work does, but leaves the processor to others. In ms. */
export function standStill (ms: number): void {
  Atomics.wait(never, 0, 0, ms)
}
