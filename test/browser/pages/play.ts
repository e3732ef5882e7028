import { Queue } from './queue.js'

/** Plays a stream until so many pictures of it have been decoded and shown. */
export async function play (stream: MediaStream, pictures: number): Promise<HTMLVideoElement> {
  const frames = new Queue<number>()
  const video = document.createElement('video')
  video.muted = true
  video.srcObject = stream
  document.body.append(video)
  await video.play()
  for (let shown = 0; shown < pictures; shown++) {
    video.requestVideoFrameCallback((at) => frames.push(at))
    await frames.next('a picture of the stream')
  }
  return video
}
