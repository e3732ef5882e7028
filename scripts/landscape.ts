/** Runs in a page before its scripts: the camera that they get is one that flies over hills. */
export function landscape (): void {
  const [width, height] = [1280, 720]
  const canvas = document.createElement('canvas')
  Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d') as CanvasRenderingContext2D

  function sky (): void {
    const sky = context.createLinearGradient(0, 0, 0, height)
    for (const [at, color] of [[0, '#1f3b63'], [0.4, '#6f8fb3'], [0.62, '#f3c9a0'], [1, '#f6dcc0']] as const) sky.addColorStop(at, color)
    context.fillStyle = sky
    context.fillRect(0, 0, width, height)
    const glow = context.createRadialGradient(900, 400, 20, 900, 400, 330)
    glow.addColorStop(0, '#fff6dd')
    glow.addColorStop(0.14, '#ffe7b8cc')
    glow.addColorStop(1, '#ffe7b800')
    context.fillStyle = glow
    context.fillRect(0, 0, width, height)
  }

  function hills (color: string, base: number, size: number, from: number): void {
    context.fillStyle = color
    context.beginPath()
    context.moveTo(0, height)
    for (let x = 0; x <= width; x += 4) {
      const at = (x + from) / 230
      context.lineTo(x, base - size * (Math.sin(at) + 0.5 * Math.sin(at * 2.3 + 1) + 0.16 * Math.sin(at * 7.1)))
    }
    context.lineTo(width, height)
    context.fill()
  }

  setInterval(() => {
    const at = performance.now() / 40
    sky()
    hills('#9aa7b8', 440, 34, 300 + at * 0.2)
    hills('#6f8494', 500, 44, 900 + at * 0.5)
    hills('#3f6060', 575, 46, 1700 + at)
    hills('#1f3f38', 665, 50, 2600 + at * 2)
  }, 40)
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(25)
}
